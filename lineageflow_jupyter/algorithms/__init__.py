"""What the project exists for, as pure functions over manifests and callables that read: alignment, changes.

Nothing here knows where bytes lie, what a frame is or how values compare: that is passed in.
"""
