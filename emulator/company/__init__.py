"""Companies that do not exist: all that an appliance holds of one, drawn from a seed.

The same seed gives the same bytes, in every process. Nothing here knows an appliance: what
comes out is plain data, and recipes of sounds that are rendered where they are placed.
"""

from emulator.company.company import Company, Generated, Progress, generate
from emulator.company.sounds import Sound, Voice

__all__ = ["Company", "Generated", "Progress", "Sound", "Voice", "generate"]
