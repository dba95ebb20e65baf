"""List the codes of open land-cover maps by GeoKR's classes.

One table per map: class -> codes, ranges with both ends. The classes are those of
GlobeLand30; where those of a map differ, the definitions of GlobeLand30 decide:
pasture that is sown or mown is cultivated land, mangroves are wetland, moss and lichens
are tundra. Each choice can be changed from a config, see
`rsp.geo.land_cover.class_maps.load_class_map`.
"""

NODATA = 'no data'

# The map of GeoKR itself. Sub-codes of tundra are summed (the official code lets
# each overwrite the one before).
GLOBELAND30 = {
    'Cultivated_Land': '10',
    'Forest': '20',
    'Grassland': '30',
    'Shrubland': '40',
    'Wetland': '50',
    'Waterbodies': '60',
    'Tundra': '70-79',
    'Artificial_Surfaces': '80',
    'Bareland': '90',
    'Permanent_Snow': '100',
    'sea': '255',
    NODATA: '0',
}

# ESA WorldCover 10 m, 2020 (v100) and 2021 (v200); the sea is permanent water in it.
WORLDCOVER = {
    'Cultivated_Land': '40',
    'Forest': '10',
    'Grassland': '30',
    'Shrubland': '20',
    'Wetland': '90 95',
    'Waterbodies': '80',
    'Tundra': '100',
    'Artificial_Surfaces': '50',
    'Bareland': '60',
    'Permanent_Snow': '70',
    NODATA: '0',
}

# US National Land Cover Database; 51 and 72-74 occur in Alaska only.
NLCD = {
    'Cultivated_Land': '81 82',
    'Forest': '41-43',
    'Grassland': '71',
    'Shrubland': '52',
    'Wetland': '90 95',
    'Waterbodies': '11',
    'Tundra': '51 72-74',
    'Artificial_Surfaces': '21-24',
    'Bareland': '31',
    'Permanent_Snow': '12',
    NODATA: '0 127 250 255',
}

# CORINE by its three-digit codes, as in the vector data and in re-coded rasters.
CORINE_LEVEL3 = {
    'Cultivated_Land': '211-213 221-223 231 241-244',
    'Forest': '311-313',
    'Grassland': '321',
    'Shrubland': '322-324',
    'Wetland': '411 412 421-423',
    'Waterbodies': '511 512 521 522',
    'Artificial_Surfaces': '111 112 121-124 131-133 141 142',
    'Bareland': '331-334',
    'Permanent_Snow': '335',
    'sea': '523',
    NODATA: '0 990 995 999',
}

# CORINE as its rasters store it: the 44 classes numbered from 1.
CORINE = {
    'Cultivated_Land': '12-22',
    'Forest': '23-25',
    'Grassland': '26',
    'Shrubland': '27-29',
    'Wetland': '35-39',
    'Waterbodies': '40-43',
    'Artificial_Surfaces': '1-11',
    'Bareland': '30-33',
    'Permanent_Snow': '34',
    'sea': '44',
    NODATA: '-128 -32768 0 48-50 255',
}

# USDA Cropland Data Layer; 63-65 and 81-88 up to 2007, 111-195 since then. Code 88 is
# land other than cropland, which fits no class.
CDL = {
    'Cultivated_Land': '1-6 10-14 21-39 41-61 66-72 74-77 204-250 254',
    'Forest': '63 141-143',
    'Grassland': '62 176',
    'Shrubland': '64 152',
    'Wetland': '87 190 195',
    'Waterbodies': '83 92 111',
    'Artificial_Surfaces': '82 121-124',
    'Bareland': '65 131',
    'Permanent_Snow': '112',
    NODATA: '0 81 88 255',
}

# Google Dynamic World; 0 is water, so files must declare their no-data value.
DYNAMIC_WORLD = {
    'Cultivated_Land': '4',
    'Forest': '1',
    'Grassland': '2',
    'Shrubland': '5',
    'Wetland': '3',
    'Waterbodies': '0',
    'Artificial_Surfaces': '6',
    'Bareland': '7',
    'Permanent_Snow': '8',
}

# Esri 10 m land use / land cover: nine classes with rangeland (11), or ten with grass
# (3) and scrub (6) in the first edition; 10 is clouds.
ESRI = {
    'Cultivated_Land': '5',
    'Forest': '2',
    'Grassland': '3 11',
    'Shrubland': '6',
    'Wetland': '4',
    'Waterbodies': '1',
    'Artificial_Surfaces': '7',
    'Bareland': '8',
    'Permanent_Snow': '9',
    NODATA: '0 10',
}

TABLES = {
    'globeland30': GLOBELAND30,
    'worldcover': WORLDCOVER,
    'nlcd': NLCD,
    'corine': CORINE,
    'corine-level3': CORINE_LEVEL3,
    'cdl': CDL,
    'dynamic-world': DYNAMIC_WORLD,
    'esri': ESRI,
}

# Patterns of the names of official files, without ending.
FILE_NAMES = {
    'globeland30': r'[ns]\d\d_\d\d_\d{4}lc030',
    'worldcover': r'ESA_WorldCover_10m_20\d\d_v\d+_[NS]\d\d[EW]\d{3}_Map',
    'nlcd': r'nlcd_\d{4}_land_cover_\w+|Annual_NLCD_LndCov_\d{4}_\w+',
    'corine': r'U20\d\d_CLC20\d\d_V20\d\d_\w+',
    'cdl': r'\d{4}_30m_cdls|CDL_\d{4}_\w+',
    'esri': r'\d\d[C-X]_20\d{6}-20\d{6}',
}

# Some colors in the color table of official files.
COLORS = {
    'worldcover': {
        10: (0, 100, 0), 20: (255, 187, 34), 30: (255, 255, 76), 40: (240, 150, 255),
        50: (250, 0, 0), 60: (180, 180, 180), 80: (0, 100, 200), 90: (0, 150, 160),
    },
    'nlcd': {
        11: (71, 107, 160), 21: (221, 201, 201), 22: (216, 147, 130), 23: (237, 0, 0),
        31: (178, 173, 163), 41: (104, 170, 99), 42: (28, 99, 48), 82: (170, 112, 40),
    },
    'cdl': {
        1: (255, 211, 0), 4: (255, 158, 11), 5: (38, 112, 0), 24: (168, 112, 0),
        36: (255, 166, 226), 111: (75, 112, 163), 131: (204, 191, 163),
        176: (232, 255, 190),
    },
    'corine': {
        1: (230, 0, 77), 2: (255, 0, 0), 3: (204, 77, 242), 18: (230, 230, 77),
        23: (128, 255, 0), 24: (0, 166, 0), 25: (77, 255, 0), 26: (204, 242, 77),
    },
}  # fmt: skip

# Plain words for the classes in class maps of one's own; compared without case, spaces
# and signs.
SYNONYMS = {
    'Cultivated_Land': 'cultivated cropland crops crop agriculture plantedcultivated',
    'Forest': 'forest forests trees treecover woodland',
    'Grassland': 'grass grasslands herbaceous rangeland pasture meadow',
    'Shrubland': 'shrub shrubs scrub shrubandscrub shrubscrub',
    'Wetland': 'wetlands floodedvegetation herbaceouswetland mangroves mangrove',
    'Waterbodies': 'water waterbody openwater permanentwater permanentwaterbodies',
    'Tundra': 'mossandlichen lichens',
    'Artificial_Surfaces': (
        'artificialsurface artificial built builtup builtarea '
        'urban developed settlement'
    ),
    'Bareland': 'bare baresoil bareground barren baresparsevegetation',
    'Permanent_Snow': 'permanentsnowandice snow ice snowandice snowice glacier',
    'sea': 'ocean seaandocean',
    NODATA: 'background unlabeled unlabelled unclassified clouds',
}
