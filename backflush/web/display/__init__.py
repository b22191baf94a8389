"""How values are shown: formats, status badges, translated sentences, QR codes, template tags."""
