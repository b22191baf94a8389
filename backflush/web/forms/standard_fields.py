"""Fields that many forms have: the event time, and remarks."""

from datetime import datetime
from typing import Final

from django.utils.translation import gettext as _

from backflush.web.display import formats
from backflush.web.forms.fields import Field, FieldKind, Text

REMARKS_LENGTH: Final = 500


def event_time_field(since: datetime | None = None) -> Field:
    """Return the field for when something happened; `since` is the earliest time allowed."""
    hint = _("Leave it empty for now.")
    if since is not None:
        hint = _("Leave it empty for now. Not before %(since)s.") % {"since": formats.when(since)}
    return Field("at", _("When it happened"), FieldKind.MOMENT, hint, look="narrow")


def remarks_field(label: Text = "", *, hint: Text = "", required: bool = False) -> Field:
    """Return the field for remarks, in one line."""
    label = label or _("Remarks")
    return Field("remarks", label, hint=hint, required=required, optional=not required, length_max=REMARKS_LENGTH)
