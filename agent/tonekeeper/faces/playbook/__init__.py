"""What a technician does about each finding: docs/playbook.md, made of the catalogue and of the advice in here.

One file a subject, named as those of core/findings, gives advice by the code of the finding; `advice` puts them
together, `page` writes the document. The running agent never loads any of this.
"""
