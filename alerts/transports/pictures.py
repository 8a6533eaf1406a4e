"""Pictures of a mail: what stands in its HTML as data goes beside it, because mail programs show no other. Pure."""

import email
import re
from base64 import b64decode
from email import policy
from email.message import EmailMessage
from hashlib import sha256

INLINE = re.compile(r'(?<=\ssrc=")data:image/png;base64,([A-Za-z0-9+/=]+)(?=")')


def beside(content: bytes) -> bytes:
    """A mail whose HTML names each of its pictures by a Content-ID; one without pictures stays as it is."""
    message = email.message_from_bytes(content, _class=EmailMessage, policy=policy.SMTP)
    part = message.get_body(["html"])
    html = part.get_content() if part else ""
    found = {_name(data): b64decode(data) for data in INLINE.findall(html)}
    if part is None or not found:
        return content
    part.set_content(INLINE.sub(lambda match: f"cid:{_name(match[1])}", html), subtype="html")
    for name, png in found.items():
        file = f"{name.partition('@')[0]}.png"
        part.add_related(png, "image", "png", cid=f"<{name}>", disposition="inline", filename=file)
    return message.as_bytes()


def _name(data: str) -> str:
    return f"{sha256(data.encode()).hexdigest()[:16]}@charts"
