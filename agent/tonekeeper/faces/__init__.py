"""Report out, intent in. Faces render the report; none of them computes anything."""
