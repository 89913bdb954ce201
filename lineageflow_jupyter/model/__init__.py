"""Pure values: ids, types, manifests, revisions. No I/O, no library of frames, no clock."""
