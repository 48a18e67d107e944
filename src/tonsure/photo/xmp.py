"""XMP: the mark that says what was done, merged into what the photo already says.

The term is IPTC's for "an original that a trained model changed in part".
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple
from xml.dom import minidom
from xml.parsers.expat import ExpatError

MARK = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_XMP = "http://ns.adobe.com/xap/1.0/"
_NOTE = "http://ns.adobe.com/xmp/note/"
_NAME = "DigitalSourceType"
# what tells of pictures that a new file does not hold: gain maps, motion, depth
_COMPANIONS = (
    "http://ns.google.com/photos/1.0/container/",
    "http://ns.google.com/photos/1.0/camera/",
    "http://ns.google.com/photos/1.0/depthmap/",
    "http://ns.google.com/photos/1.0/image/",
    "http://ns.adobe.com/hdr-gain-map/1.0/",
    "http://ns.apple.com/HDRGainMap/1.0/",
)
_ELEMENTS = 10_000  # marks of elements in one packet; long histories of edits have a third of it
_DECLARED = re.compile(r"\A\s*<\?xml\s.*?\?>", re.DOTALL)
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_TAIL = '\n<?xpacket end="w"?>'
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF></x:xmpmeta>'


class Packet(NamedTuple):
    """What there is to know of a packet: the digital source type that it names, the packet with our
    mark, and what was taken out of it, in words."""

    earlier: str | None
    marked: bytes
    dropped: tuple[str, ...]


def mark(xmp: bytes | None) -> tuple[bytes, list[str]]:
    """A packet with all of `xmp` and the mark, and what was taken out, in words.

    Thumbnails, a turned orientation and pointers to pictures that only the source file holds go.
    What cannot be read is replaced.
    """
    read = _read(xmp or b"")
    return read.marked, list(read.dropped)


def earlier(xmp: bytes | None) -> str | None:
    """The digital source type that a packet names (its address), None if it names none."""
    return _read(xmp).earlier if xmp else None


@lru_cache(maxsize=8)  # warnings, report and file all ask, of the same photo
def _read(xmp: bytes) -> Packet:
    dropped: list[str] = []
    tree = _parse(xmp) if xmp else None
    if tree is None and xmp:
        dropped.append("XMP, which is damaged")
    named = _named(tree) if tree is not None else None
    if tree is None:
        tree = minidom.parseString(_EMPTY)
    root = tree.getElementsByTagNameNS(_RDF, "RDF")[0]
    subject = _about(root)
    for node in list(root.getElementsByTagName("*")):
        dropped += _clean(node)
    for child in [n for n in root.childNodes if _says_nothing(n)]:
        root.removeChild(child)
    described = tree.createElementNS(_RDF, f"{root.prefix or 'rdf'}:Description")
    described.setAttribute(f"{root.prefix or 'rdf'}:about", subject)
    described.setAttribute("xmlns:Iptc4xmpExt", _EXT)
    described.setAttribute(f"Iptc4xmpExt:{_NAME}", MARK)
    if not root.prefix:
        described.setAttribute("xmlns:rdf", _RDF)
    root.appendChild(described)
    body = tree.documentElement.toxml() if tree.documentElement else ""
    marked = (_HEAD + body + _TAIL).encode("utf-8", "replace")
    return Packet(named, marked, tuple(sorted(set(dropped))))


def _named(tree: minidom.Document) -> str | None:
    for node in tree.getElementsByTagName("*"):
        if node.namespaceURI == _EXT and node.localName == _NAME:
            text = "".join(child.data for child in node.childNodes if child.nodeType == 3)
            return text.strip() or node.getAttributeNS(_RDF, "resource") or None
        if node.hasAttributeNS(_EXT, _NAME):
            return str(node.getAttributeNS(_EXT, _NAME)) or None
    return None


def _parse(xmp: bytes) -> minidom.Document | None:
    """The packet as a tree, or None. Entities are never declared in XMP: they are refused."""
    text = _text(xmp)
    if text is None or text.count("<") > _ELEMENTS or text.count("=") > 4 * _ELEMENTS:
        return None
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        return None
    try:
        tree = minidom.parseString(text.encode("utf-8"))
        if not tree.getElementsByTagNameNS(_RDF, "RDF"):
            return None
        tree.toxml()  # depth that parses may still be too deep to write
    except (ExpatError, ValueError, RecursionError, LookupError):
        return None
    return tree


def _text(xmp: bytes) -> str | None:
    """The packet's text, whatever its encoding, without the declaration that names it."""
    encoding = "utf-8-sig"
    if b"\0" in xmp[:4].rstrip(b"\0") or xmp[:2] in (b"\xff\xfe", b"\xfe\xff"):
        wide = b"\0\0" in xmp[:4] or xmp[:4] == b"\xff\xfe\0\0"
        encoding = "utf-32" if wide else "utf-16"
        if xmp[:1] == b"\0" and not wide:
            encoding = "utf-16-be"
    try:
        text = xmp.decode(encoding).strip("\0 \t\r\n\ufeff")
    except UnicodeDecodeError:
        return None
    return _DECLARED.sub("", text)


def _says_nothing(node: minidom.Node) -> bool:
    """Whether a description is left with its subject alone."""
    if not isinstance(node, minidom.Element) or node.localName != "Description":
        return False
    said = [a for a in node.attributes.values() if a.prefix != "xmlns" and a.localName != "about"]
    return not said and not any(isinstance(c, minidom.Element) for c in node.childNodes)


def _about(root: minidom.Element) -> str:
    """The subject of the packet's descriptions: one packet describes one thing."""
    for node in root.childNodes:
        if isinstance(node, minidom.Element) and node.hasAttributeNS(_RDF, "about"):
            return str(node.getAttributeNS(_RDF, "about"))
    return ""


def _clean(node: minidom.Element) -> list[str]:
    """Take out of one element what is no longer true."""
    dropped = []
    for attribute in list(node.attributes.values()) if node.attributes else []:
        if attribute.prefix == "xmlns":
            continue
        said = _stale(attribute.namespaceURI, attribute.localName)
        if said is not None:
            node.removeAttributeNode(attribute)
            dropped.append(said)
        elif attribute.namespaceURI == _TIFF and attribute.localName == "Orientation":
            attribute.value = "1"
    said = _stale(node.namespaceURI, node.localName)
    if said is not None and node.parentNode is not None:
        node.parentNode.removeChild(node)
        dropped.append(said)
    elif node.namespaceURI == _TIFF and node.localName == "Orientation":
        for child in node.childNodes:
            if isinstance(child, minidom.Text):
                child.data = "1"
    return [said for said in dropped if said]


def _stale(space: str | None, name: str | None) -> str | None:
    """What a property that has to go is called in words ("" for none worth telling), else None."""
    if space == _EXT and name == _NAME:
        return ""
    if space == _XMP and name == "Thumbnails":
        return ""
    if space == _NOTE and name == "HasExtendedXMP":
        return "the extended part of XMP"
    if space in _COMPANIONS:
        return "motion, depth or gain map beside the picture"
    return None
