from backflush.people.models import User


def known_user(*, name: str) -> User:
    """The user of this name, made where there is none: whoever may use the database file is known by log-in name.

    The command line trusts the machine's log-in. A user made here has no usable password, so no page lets it in.
    """
    user, created = User.objects.get_or_create(username=name)
    if created:
        user.set_unusable_password()
        user.save(update_fields=["password"])
    return user
