"""Why something that was to be verified is not believed: one class for each reason."""

from __future__ import annotations


class Unsound(Exception):
    """What was shown does not hold. The class names the reason, the message says the rest."""

    @property
    def reason(self) -> str:
        """The name of the reason."""
        return type(self).__name__


class MalformedKey(Unsound):
    """A key string is not of the form ``name+id+key``, or its id belongs to another key."""


class MalformedNote(Unsound):
    """Bytes that are no signed note."""


class MalformedCheckpoint(Unsound):
    """A note's text is no checkpoint of ours."""


class MalformedProof(Unsound):
    """Bytes that are no proof in the text format."""


class MalformedLeaf(Unsound):
    """Bytes that are no event as it was sealed."""


class MalformedTile(Unsound):
    """A tile or a bundle of entries has another length than its name says."""


class MissingTile(Unsound):
    """A tile that a tree of this size has is not stored."""


class TileDiffers(Unsound):
    """A tile was published before with other content; the log was rewritten."""


class WrongSignature(Unsound):
    """A signature in the name of a known key is not by that key, or the text was altered."""


class SignedTwice(Unsound):
    """A note carries two signatures by one known key."""


class Unsigned(Unsound):
    """No known key of the log has signed."""


class WrongOrigin(Unsound):
    """A checkpoint speaks of another log."""


class NotWitnessed(Unsound):
    """Fewer known witnesses have cosigned than are asked for."""


class NotIncluded(Unsound):
    """It is not shown that the tree has the leaf at the index."""


class NotConsistent(Unsound):
    """It is not shown that the new tree begins with the old one."""


class NotAbsent(Unsound):
    """It is not shown that the map has no head of the stream."""


class LogShorter(Unsound):
    """The log ends before the last event that was sealed: it was cut, or an old copy restored."""


class LogDiffers(Unsound):
    """A stored event is not the one that was sealed."""


class EventMissing(Unsound):
    """The log has no event at a position before its end."""


class SealsMissing(Unsound):
    """The log was sealed before, and the folder does not hold those seals."""


class RootDiffers(Unsound):
    """The tiles do not add up to the root that was signed."""


class HeadsDiffer(Unsound):
    """The heads said in the log are not those of its streams."""


class SealedElsewhere(Unsound):
    """Somebody else has published a checkpoint meanwhile."""


class WitnessDisagrees(Unsound):
    """A witness has seen another log of this name, or more of it than there is."""
