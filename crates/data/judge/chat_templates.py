"""Templates of our own: every form that public ones take, small."""

TEMPLATES = {}
