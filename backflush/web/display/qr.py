"""A QR code as one path of an SVG: no image file, and sharp on paper."""

import segno


def qr_path(text: str) -> tuple[int, str]:
    """Return the width of the code in modules, and an SVG path with one stroke for each run of dark modules."""
    code = segno.make_qr(text, error="m")
    strokes = []
    width = 0
    for y, line in enumerate(code.matrix):
        width = len(line)
        start = None
        for x, dark in enumerate((*line, 0)):
            if dark and start is None:
                start = x
            elif not dark and start is not None:
                strokes.append(f"M{start} {y + 0.5}h{x - start}")
                start = None
    return width, "".join(strokes)
