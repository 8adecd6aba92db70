"""How large a lab's company may be."""

MOST_USERS = 1000
MOST_VOICEMAIL_MB = 20_000
