"""Published data sets of scene classification: classes, counts, names of the files."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class SceneSet:
    """A data set whose file names follow from its published counts.

    Args:
        name: Its name in configs, and that of its folder below ``data``.
        folder: Class folders' parent below ``data/<name>``, as the archive unpacks.
        counts: Number of images by class, classes in the order of their numbers.
        pattern: Path of an image below ``folder``; may use ``{name}`` and ``{lower}``,
            the class as it is and in lower case, and ``{number}``.
        first: Number of a class's first image.
        train_share: Share of every class that the shipped split trains on, 0 to 1.
    """

    name: str
    folder: str
    counts: dict[str, int]
    pattern: str
    first: int
    train_share: float

    @property
    def root(self) -> Path:
        """Where the configs expect the class folders."""
        return Path('data') / self.name / self.folder

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names; the place is the number."""
        return tuple(self.counts)

    def images(self) -> dict[str, list[str]]:
        """Published images of every class, as paths below ``root``."""
        return {
            name: [
                self.pattern.format(name=name, lower=name.lower(), number=number)
                for number in range(self.first, self.first + count)
            ]
            for name, count in self.counts.items()
        }


# Helber et al., JSTARS 2019, https://doi.org/10.1109/JSTARS.2019.2918242: 27,000 images
# of 64 px, 2,000 to 3,000 per class. No official split; one of theirs trains on 80 %.
EUROSAT = SceneSet(
    name='eurosat',
    folder='2750',
    counts=dict(
        AnnualCrop=3000,
        Forest=3000,
        HerbaceousVegetation=3000,
        Highway=2500,
        Industrial=2500,
        Pasture=2000,
        PermanentCrop=2500,
        Residential=3000,
        River=2500,
        SeaLake=3000,
    ),
    pattern='{name}/{name}_{number}.jpg',
    first=1,
    train_share=0.8,
)

# Cheng, Han, Lu, Proc. IEEE 2017, https://doi.org/10.1109/JPROC.2017.2675998: 31,500
# images of 256 px, 700 per class; trains on 10 or 20 %.
RESISC45 = SceneSet(
    name='resisc45',
    folder='NWPU-RESISC45',
    counts=dict.fromkeys(
        (
            'airplane airport baseball_diamond basketball_court beach bridge chaparral '
            'church circular_farmland cloud commercial_area dense_residential desert '
            'forest freeway golf_course ground_track_field harbor industrial_area '
            'intersection island lake meadow medium_residential mobile_home_park '
            'mountain overpass palace parking_lot railway railway_station '
            'rectangular_farmland river roundabout runway sea_ice ship snowberg '
            'sparse_residential stadium storage_tank tennis_court terrace '
            'thermal_power_station wetland'
        ).split(),
        700,
    ),
    pattern='{name}/{name}_{number:03d}.jpg',
    first=1,
    train_share=0.2,
)

# Yang and Newsam, ACM GIS 2010, https://doi.org/10.1145/1869790.1869829: 2,100 images,
# 100 per class, nearly all of 256 px. CMID trains on 80 %.
UCM = SceneSet(
    name='ucm',
    folder='UCMerced_LandUse/Images',
    counts=dict.fromkeys(
        (
            'agricultural airplane baseballdiamond beach buildings chaparral '
            'denseresidential forest freeway golfcourse harbor intersection '
            'mediumresidential mobilehomepark overpass parkinglot river runway '
            'sparseresidential storagetanks tenniscourt'
        ).split(),
        100,
    ),
    pattern='{name}/{name}{number:02d}.tif',
    first=0,
    train_share=0.8,
)

# Xia et al., TGRS 2017, https://doi.org/10.1109/TGRS.2017.2685945, by its table:
# 10,000 images of 600 px, 220 to 420 per class; trains on 20 or 50 %.
AID = SceneSet(
    name='aid',
    folder='AID',
    counts=dict(
        Airport=360,
        BareLand=310,
        BaseballField=220,
        Beach=400,
        Bridge=360,
        Center=260,
        Church=240,
        Commercial=350,
        DenseResidential=410,
        Desert=300,
        Farmland=370,
        Forest=250,
        Industrial=390,
        Meadow=280,
        MediumResidential=290,
        Mountain=340,
        Park=350,
        Parking=390,
        Playground=370,
        Pond=420,
        Port=380,
        RailwayStation=260,
        Resort=290,
        River=410,
        School=300,
        SparseResidential=300,
        Square=330,
        Stadium=290,
        StorageTanks=360,
        Viaduct=420,
    ),
    pattern='{name}/{lower}_{number}.jpg',
    first=1,
    train_share=0.2,
)

SCENE_SETS = {scenes.name: scenes for scenes in (EUROSAT, RESISC45, UCM, AID)}
