"""Images with outlines as a few kilobytes of HTML: what a notebook shows of a result, a case and a store."""
