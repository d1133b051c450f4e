"""For whom messages and dropped files may speak, and which objects they may name. Pure.

Who may publish to the topic, or write into the drop box, is trusted with the tenants that the settings name, and with no other's.
"""

import re
from dataclasses import dataclass
from typing import Final

from common.errors import Permanent
from common.ids import DEFAULT_TENANT, InvalidId, checked_id

ANY_TENANT: Final = "*"
SCHEME: Final = "gs://"
MAX_OBJECT_NAME_BYTES: Final = 1_024
_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")


@dataclass(frozen=True, slots=True)
class UploadTrust:
    """UPLOAD_TENANTS, UPLOAD_SOURCE_BUCKETS, and where the drop box is."""

    tenants: frozenset[str]
    source_buckets: frozenset[str]
    own_bucket: str
    """Empty on embedded adapters."""
    dropbox_path: str

    def tenant(self, named: str) -> str:
        """The tenant that a message names, or the default one. Raises `Permanent` where it may not."""
        tenant = checked_id(named, "tenant") if named else DEFAULT_TENANT
        if not self._is_trusted(tenant):
            raise Permanent(
                "tenant is none of those that messages may speak for (UPLOAD_TENANTS)", reason="tenant_not_allowed"
            )
        return tenant

    def is_dropped(self, object_name: str) -> bool:
        """Whether an object of the own bucket lies in the drop box."""
        return object_name.startswith(f"{self.dropbox_path}/")

    def tenant_of_dropped(self, object_name: str) -> str:
        """Whose file it is: the tenant's after whom the first folder below the drop box is named, else the default one's."""
        folder, slash, _ = object_name.removeprefix(f"{self.dropbox_path}/").partition("/")
        try:
            return checked_id(folder, "tenant") if slash and self._is_trusted(folder) else DEFAULT_TENANT
        except InvalidId:
            return DEFAULT_TENANT

    def check_source(self, tenant: str, uri: str) -> None:
        """Raise `Permanent` unless a message of that tenant may name the object: never another tenant's audio."""
        bucket, name = split_uri(uri)
        if not self.own_bucket:
            raise Permanent(
                "uri: this installation keeps everything on its own disk and reads no buckets (GCS_BUCKET is not set)",
                reason="no_source_objects",
            )
        if bucket == self.own_bucket:
            allowed = self.is_dropped(name) and self.tenant_of_dropped(name) == tenant
        else:
            allowed = bucket in self.source_buckets
        if not allowed:
            raise Permanent(
                "uri is in no bucket that messages of this tenant may name (UPLOAD_SOURCE_BUCKETS, DROPBOX_PATH)",
                reason="source_not_allowed",
            )

    def _is_trusted(self, tenant: str) -> bool:
        return tenant == DEFAULT_TENANT or tenant in self.tenants or ANY_TENANT in self.tenants


def split_uri(uri: str) -> tuple[str, str]:
    """`(bucket, object name)` of `gs://bucket/object`. Raises `Permanent`."""
    bucket, _, name = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or bucket_problem(bucket) or not name:
        raise Permanent("uri must be gs://bucket/object", reason="invalid_uri")
    is_relative = any(part in {".", ".."} for part in name.split("/"))
    if is_relative or not name.isprintable() or len(name.encode("utf-8", "surrogatepass")) > MAX_OBJECT_NAME_BYTES:
        raise Permanent("uri names an object that there can't be", reason="invalid_uri")
    return bucket, name


def bucket_problem(bucket: str) -> str:
    """What is wrong with a bucket's name; empty where nothing is."""
    return "" if _BUCKET.fullmatch(bucket) else "is no name of a bucket"
