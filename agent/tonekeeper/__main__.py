"""`python -m tonekeeper`: the same as the `tonekeeper` command."""

from tonekeeper.app import main

if __name__ == "__main__":
    raise SystemExit(main())
