"""The root of all our errors; each says its fact in English and in Chinese."""

from __future__ import annotations


class FieldgateError(Exception):
    """Root of every error we raise; `str()` is English, `zh` the same fact in Chinese."""

    def __init__(self, en: str, zh: str = "") -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh or en


class BadInputError(FieldgateError):
    """Somebody's input is refused: `field` is at fault, `limit` is what holds, `found` what came.

    Changes nothing. The API answers it as 400, the command line with exit status 2.
    """

    def __init__(self, field: str, *, limit: str, found: object, en: str = "", zh: str = "") -> None:
        shown = repr(found)[:MAX_FOUND_CHARS]
        super().__init__(
            f"{field}: {en or 'refused'} (limit: {limit}; found: {shown})",
            f"{field}：{zh or '不予接受'}（限制：{limit}；实际：{shown}）",
        )
        self.field = field
        self.limit = limit
        self.found = shown
        self._said = (found, en, zh)

    def within(self, place: str) -> BadInputError:
        """Return the same refusal with `place` (a file, a table) written before the field."""
        found, en, zh = self._said
        return BadInputError(f"{place}{self.field}", limit=self.limit, found=found, en=en, zh=zh)


class ProtocolError(FieldgateError):
    """A rule of a wire protocol would be broken."""


class LocalProtocolError(ProtocolError):
    """We were asked to send what the far end could not read: a bug on our side or input not checked."""


MAX_FOUND_CHARS = 80
"""Longest excerpt of refused input that an error repeats: enough to recognise, too little to flood a log."""
