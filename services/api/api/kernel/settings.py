"""Settings of the kernel function, from its environment."""

from dataclasses import dataclass

from api.web.settings import Settings


@dataclass(frozen=True, slots=True)
class KernelSettings(Settings):
    patches_table: str
    series_table: str
    discussions_table: str
    threading_table: str
    progress_table: str
    bodies_bucket: str
    cursor_secret_arn: str
    patchwork_url: str
    lore_url: str
    projects: tuple[str, ...]
    lists: tuple[str, ...]
