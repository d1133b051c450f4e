"""Whisper's languages: the codes that it is asked with, by the English names that some servers answer with. Pure."""

from types import MappingProxyType
from typing import Final

_TABLE: Final = """
en english    zh chinese    de german     es spanish    ru russian    ko korean     fr french     ja japanese   pt portuguese
tr turkish    pl polish     ca catalan    nl dutch      ar arabic     sv swedish    it italian    id indonesian hi hindi
fi finnish    vi vietnamese he hebrew     uk ukrainian  el greek      ms malay      cs czech      ro romanian   da danish
hu hungarian  ta tamil      no norwegian  th thai       ur urdu       hr croatian   bg bulgarian  lt lithuanian la latin
mi maori      ml malayalam  cy welsh      sk slovak     te telugu     fa persian    lv latvian    bn bengali    sr serbian
az azerbaijani sl slovenian kn kannada    et estonian   mk macedonian br breton     eu basque     is icelandic  hy armenian
ne nepali     mn mongolian  bs bosnian    kk kazakh     sq albanian   sw swahili    gl galician   mr marathi    pa punjabi
si sinhala    km khmer      sn shona      yo yoruba     so somali     af afrikaans  oc occitan    ka georgian   be belarusian
tg tajik      sd sindhi     gu gujarati   am amharic    yi yiddish    lo lao        uz uzbek      fo faroese    ps pashto
tk turkmen    nn nynorsk    mt maltese    sa sanskrit   lb luxembourgish my myanmar bo tibetan    tl tagalog    mg malagasy
as assamese   tt tatar      haw hawaiian  ln lingala    ha hausa      ba bashkir    jw javanese   su sundanese  yue cantonese
"""
_WORDS: Final = _TABLE.split()
CODES: Final = MappingProxyType(dict(zip(_WORDS[1::2], _WORDS[::2], strict=True)) | {"haitian creole": "ht"})
"""By name, in lower case."""
_KNOWN: Final = frozenset(CODES.values())


def code_of(language: str) -> str:
    """The code for a code, a tag such as `pt-BR`, or an English name; empty where Whisper has no such language."""
    name = language.strip().lower()
    code = CODES.get(name, name.partition("-")[0])
    return code if code in _KNOWN else ""
