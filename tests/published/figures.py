"""What was published: results that come with the code of Klhufek et al., DDECS 2024 (arXiv 2404.05368), in the repository
honzastor/accelergy-timeloop-infrastructure-quantization-feature, May 2023.

Energies in uJ, energy-delay products (EDP) in J * cycles, accesses of the backing store in words. Widths are those of
inputs, weights and outputs in bits. Layers are named as in specs/networks.
"""

from __future__ import annotations

from dataclasses import dataclass

Bits = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one layer, or of all layers together."""

    energy_uj: float
    cycles: int
    edp: float
    accesses: int


@dataclass(frozen=True, slots=True)
class Some:
    """Of one layer, as far as they were published."""

    energy_uj: float
    cycles: int | None = None
    accesses: int | None = None


# --- AlexNet on Eyeriss, 16-bit words: an exhaustive search per metric ---------------------------------------------

CONVOLUTIONS = ("conv1", "conv2", "conv3", "conv4", "conv5")
NATIVE, MIXED, NARROW = (16, 16, 16), (16, 3, 16), (4, 4, 4)

# widths -> figures per layer, of the mapping of least EDP
ALEXNET_EDP: dict[Bits, tuple[Figures, ...]] = {
    NATIVE: (
        Figures(586.938, 871200, 511.34, 811950),
        Figures(2674.79, 3732480, 9983.6, 5903712),
        Figures(820.756, 958464, 786.665, 1064832),
        Figures(1215.76, 1437696, 1747.9, 1564800),
        Figures(813.88, 958464, 780.07, 1014400),
    ),
    MIXED: (
        Figures(522.881, 798600, 417.57, 1085733),
        Figures(1820.98, 3732480, 6796.8, 1480032),
        Figures(607.897, 958464, 582.648, 357044),
        Figures(907.804, 1437696, 1305.1, 503117),
        Figures(621.653, 958464, 595.83, 306612),
    ),
    NARROW: (
        Figures(294.642, 798600, 235.30, 119959),
        Figures(1376.62, 3732480, 5138.2, 1475928),
        Figures(437.105, 958464, 418.949, 251808),
        Figures(653.046, 1437696, 938.88, 369600),
        Figures(437.467, 958464, 419.30, 253600),
    ),
}
# (objective, widths) -> figures per layer
ALEXNET: dict[tuple[str, Bits], tuple[Some, ...]] = {
    ("energy", NATIVE): (
        Some(571.649, 958320, accesses=875985),
        Some(2291.3, 4976640, accesses=2261952),
        Some(820.756),
        Some(1215.76),
        Some(813.88),
    ),
    ("energy", MIXED): (
        Some(459.395, 958320, accesses=569323),
        Some(1814.97, 4976640, accesses=787392),
        Some(607.897),
        Some(907.804),
        Some(621.653),
    ),
    ("energy", NARROW): (
        Some(294.642),
        Some(1272.52, 4976640, accesses=536472),
        Some(437.105),
        Some(653.046),
        Some(437.467),
    ),
    ("latency", NATIVE): (
        Some(784.954, 798600, accesses=2619045),
        Some(2674.79, 3732480),
        Some(820.756),
        Some(1215.76),
        Some(813.88),
    ),
    ("accesses,energy", NARROW): (
        Some(294.496, 1597200, accesses=119959),
        Some(1273.1, 4976640, accesses=536472),
        Some(437.105),
        Some(653.046),
        Some(437.467),
    ),
}

# --- MobileNetV1, dense depthwise layers, inputs and outputs of 8 bits: a random search for EDP --------------------

# Weights in bits that share one result, the widest first, by word: as many values fit in a word.
PLATEAUS = {16: ((8, 7, 6), (5,), (4,), (3,), (2,)), 8: ((8, 7, 6, 5), (4, 3), (2,)), 32: ((32,),)}

# study of specs/studies/mobilenet_v1_2023.qdsl -> totals over 28 layers per plateau
MOBILENET: dict[str, tuple[Figures, ...]] = {
    "eyeriss_16": (
        Figures(17101.4, 30137344, 35752, 23679362),
        Figures(15657.2, 30137344, 32821, 17535566),
        Figures(14884.9, 30137344, 31166, 14445226),
        Figures(14471.9, 30137344, 30295, 12620528),
        Figures(13845.8, 30137344, 28985, 9968446),
    ),
    "eyeriss_8_same": (
        Figures(10138.3, 30137344, 2.058e4, 47395587),
        Figures(7900.1, 30221824, 1.599e4, 28960083),
        Figures(6844.2, 30270464, 1.381e4, 19814011),
    ),
    "eyeriss_8_changed": (
        Figures(10381.9, 30137344, 2.122e4, 47360387),
        Figures(7921.2, 30221824, 1.604e4, 28923219),
        Figures(6808.6, 30270464, 1.373e4, 19814011),
    ),
    "eyeriss_float": (Figures(174095.5, 30243328, 3.694e5, 55795824),),
    "simba_16": (
        Figures(27483.4, 16665456, 33537, 21790198),
        Figures(26585.8, 16665456, 32522, 16556824),
        Figures(26129.8, 16665456, 32012, 13537438),
        Figures(25849.2, 16665456, 31705, 12081740),
        Figures(25426.8, 16665456, 31243, 9701554),
    ),
    "simba_8_same": (
        Figures(20054.3, 16665456, 2.425e4, 42571756),
        Figures(18720.7, 16665456, 2.273e4, 26923324),
        Figures(18042.2, 16665456, 2.196e4, 19236196),
    ),
    "simba_8_changed": (
        Figures(19899.5, 16665456, 2.409e4, 42571756),
        Figures(18635.8, 16665456, 2.265e4, 26923324),
        Figures(17974.0, 16665456, 2.188e4, 18780004),
    ),
    "simba_float": (Figures(223851.7, 16665456, 2.762e5, 69492309),),
}

LAYER_STUDIES = ("eyeriss_16", "eyeriss_8_same", "simba_16")
LAYER_WEIGHTS = (8, 4, 2)
_POINTWISE = tuple(f"b7.{i}.p" for i in range(1, 6))
_DENSE = tuple(f"b7.{i}.d" for i in range(1, 6))
# layers, cycles on Eyeriss and Simba, energies per study of LAYER_STUDIES at LAYER_WEIGHTS
_LAYERS = (
    (("stem",), 64512, 112896, (78.2201, 76.1326, 75.0889), (60.4506, 58.3631, 57.3194), (118.53, 117.846, 117.503)),
    (("b1.d",), 688128, 451584, (436.502, 411.905, 399.606), (246.961, 222.364, 210.065), (722.738, 716.191, 712.919)),
    (("b1.p",), 229376, 100352, (175.021, 170.077, 167.605), (133.186, 128.242, 125.485), (250.725, 243.809, 242.599)),
    (("b2.d",), 844800, 435600, (453.421, 415.537, 401.71), (270.589, 232.705, 218.878), (738.858, 728.435, 713.38)),
    (("b2.p",), 281600, 96800, (132.938, 125.032, 121.959), (92.3087, 76.5008, 81.3301), (197.67, 189.875, 185.977)),
    (("b3.d",), 3379200, 1742400, (1548.48, 1408.6, 1353.3), (817.154, 677.275, 621.968), (2756.45, 2675.58, 2635.15)),
    (("b3.p",), 563200, 193600, (240.654, 225.361, 219.216), (159.395, 130.338, 122.62), (366.42, 353.039, 346.348)),
    (("b4.d",), 746496, 419904, (466.95, 395.861, 363.843), (290.706, 219.617, 187.599), (702.857, 686.161, 677.813)),
    (("b4.p",), 248832, 93312, (116.321, 100.418, 93.3027), (77.1558, 61.2525, 54.1374), (173.72, 164.496, 158.906)),
    (("b5.d",), 2985984, 1679616, (1724.54, 1457.62, 1329.55), (1019.57, 752.642, 624.57), (2589.39, 2522.61, 2489.22)),
    (("b5.p",), 497664, 186624, (224.386, 194.003, 179.773), (146.055, 115.672, 101.442), (334.026, 316.692, 306.003)),
    (("b6.d",), 638976, 389376, (388.828, 339.369, 319.345), (225.397, 175.938, 155.915), (645.526, 622.967, 611.688)),
    (("b6.p",), 212992, 86528, (96.6372, 87.7378, 83.2881), (60.3193, 51.4199, 46.9702), (141.902, 136.889, 134.908)),
    (_DENSE, 2555904, 1557504, (1470.55, 1310.36, 1230.27), (816.829, 656.639, 576.545), (2422.36, 2332.13, 2287.01)),
    (_POINTWISE, 425984, 173056, (187.78, 163.939, 155.04), (115.144, 91.3032, 82.4038), (304.808, 293.266, 283.847)),
    (("b8.d",), 589824, 331776, (447.042, 345.974, 298.081), (307.788, 206.72, 158.827), (742.011, 615.612, 554.573)),
    (("b8.p",), 196608, 73728, (112.768, 82.2945, 71.6516), (81.8222, 51.349, 40.7061), (148.224, 128.439, 118.546)),
    (
        ("b9.d",),
        2359296,
        1327104,
        (1728.67, 1323.24, 1131.67),
        (1171.65, 766.218, 574.647),
        (2638.54, 2282.41, 2104.35),
    ),
    (("b9.p",), 393216, 147456, (215.771, 173.199, 150.002), (155.817, 113.245, 88.1114), (292.323, 252.754, 232.969)),
    (("fc",), 307200, 144000, (222.576, 181.002, 160.215), (162.135, 120.562, 78.8468), (287.61, 248.968, 229.647)),
)
# The cycles of a layer are published once for all widths, but with words of 8 bits the totals of cycles and EDP at 4 and 2
# bits are those of slower mappings for these layers, on 80 elements instead of 88 and 96 instead of 120.
_SLOWER = {
    ("eyeriss_8_same", "b2.p", 4): 309760,
    ("eyeriss_8_same", "b3.p", 4): 619520,
    ("eyeriss_8_same", "b3.p", 2): 619520,
    ("eyeriss_8_same", "fc", 2): 384000,
}


def _per_layer() -> dict[tuple[str, int], dict[str, Some]]:
    found: dict[tuple[str, int], dict[str, Some]] = {(s, w): {} for s in LAYER_STUDIES for w in LAYER_WEIGHTS}
    for names, eyeriss, simba, *energies in _LAYERS:
        for study, per_width in zip(LAYER_STUDIES, energies, strict=True):
            for weight_bits, energy_uj in zip(LAYER_WEIGHTS, per_width, strict=True):
                for name in names:
                    usual = simba if study == "simba_16" else eyeriss
                    cycles = _SLOWER.get((study, name, weight_bits), usual)
                    found[study, weight_bits][name] = Some(energy_uj, cycles)
    return found


# (study, bits of weights) -> layer -> figures
MOBILENET_LAYERS = _per_layer()

# --- VGG-1 of ISAAC, 16-bit words: a random search for EDP, totals over the eight convolutions ---------------------

VGG1: dict[tuple[str, Bits], Figures] = {
    ("eyeriss", NATIVE): Figures(39013.6, 44556288, 2.996e5, 45294272),
    ("eyeriss", MIXED): Figures(31611.2, 44556288, 2.432e5, 28526891),
    ("eyeriss", NARROW): Figures(21183.5, 44556288, 1.645e5, 8140115),
    ("simba", NATIVE): Figures(83330.4, 29352960, 4.313e5, 83037736),
    ("simba", MIXED): Figures(72227.4, 29352960, 3.688e5, 28274200),
    ("simba", NARROW): Figures(31044.8, 29352960, 1.585e5, 9067160),
}

# --- legal mappings on Eyeriss with 16-bit words, all constraints: counted by their tool and by an enumeration -------

_WIDTHS: tuple[Bits, ...] = ((16, 16, 16), (8, 8, 8), (8, 4, 8), (8, 2, 8), (4, 4, 4), (2, 2, 2))
_OF_MOBILENET = {
    ("mobilenet_v1_2023", "eyeriss_16", "stem"): (1485, 1556, 1556, 1556, 1556, 1556),
    ("mobilenet_v1_2023", "eyeriss_16", "b1.d"): (11778, 15021, 15054, 15054, 16417, 16877),
    ("mobilenet_v1_2023", "eyeriss_16", "b1.p"): (24032, 30151, 30211, 30211, 32021, 32061),
    # depthwise, of 32 channels at 112 x 112 and of 512 at 14 x 14; by the tool alone
    ("mobilenet_v1_eyeriss", "mobilenet_v1_eyeriss", "b1.d"): (180, 240, 240, 240, 270, 276),
    ("mobilenet_v1_eyeriss", "mobilenet_v1_eyeriss", "b7.1.d"): (243, 324, 324, 324, 405, 468),
}
# (spec, study, layer) -> number per widths
LEGAL_MAPPINGS: dict[tuple[str, str, str], dict[Bits, int]] = {
    ("alexnet_2023", "published", "conv1"): {NATIVE: 653, MIXED: 678, NARROW: 1095},
    ("alexnet_2023", "published", "conv2"): {NATIVE: 13320, MIXED: 13320, NARROW: 31716},
    ("alexnet_2023", "published", "conv3"): {NATIVE: 47294, MIXED: 47817, NARROW: 78576},
    ("alexnet_2023", "published", "conv4"): {NATIVE: 105758, MIXED: 106731, NARROW: 193096},
    ("alexnet_2023", "published", "conv5"): {NATIVE: 35940, MIXED: 35940, NARROW: 65629},
    **{layer: dict(zip(_WIDTHS, counts, strict=True)) for layer, counts in _OF_MOBILENET.items()},
}
# Over all 28 layers of `eyeriss_16`, by bits of weights; by the enumeration alone.
MOBILENET_MAPPINGS = {8: 1_537_657, 4: 1_556_151, 2: 1_556_151}
