"""Describe published data sets of scene classification: classes, counts, file names."""

from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from rsp.tasks.classification.splits import Images, stratified_split


@dataclass(frozen=True)
class SceneSet:
    """Describe a data set whose file names follow from its published counts.

    Args:
        name: Its name in configs, and that of its folder below ``data``.
        folder: Class folders' parent below ``data/<name>``, as the archive unpacks.
        counts: Number of images by class, classes in the order of their numbers.
        pattern: Path of an image below ``folder``; may use ``{name}`` and ``{lower}``,
            the class as it is and in lower case, and ``{number}``.
        first: Number of a class's first image.
        train_share: Share of every class that the fixed split trains on, 0 to 1.
        sha256: SHA-256 of the list files of that split, see
            `rsp.tasks.classification.splits.split_lines`.
        drawn_as: Ending by which the split is drawn where that of the files is another:
            two publications of the same scenes are split alike.
    """

    name: str
    folder: str
    counts: dict[str, int]
    pattern: str
    first: int
    train_share: float
    sha256: dict[str, str]
    drawn_as: str = ''

    @property
    def root(self) -> Path:
        """Return where the configs expect the class folders."""
        return Path('data') / self.name / self.folder

    @property
    def classes(self) -> tuple[str, ...]:
        """Return the class names in the order of their numbers."""
        return tuple(self.counts)

    def split(
        self,
        train_share: float | None = None,
        seed: int = 0,
        per_class: int | None = None,
    ) -> dict[str, Images]:
        """Return the ``'train'`` and the ``'test'`` images of a split.

        Args:
            train_share: See `stratified_split`; None means the fixed split's.
            seed: See `stratified_split`.
            per_class: See `stratified_split`.
        """
        images = self.images()
        ending = PurePosixPath(self.pattern).suffix
        drawn = _with_ending(images, self.drawn_as or ending)
        share = self.train_share if train_share is None else train_share
        train, test = stratified_split(drawn, share, seed, per_class)
        return dict(train=_with_ending(train, ending), test=_with_ending(test, ending))

    def images(self) -> Images:
        """Return the published images of every class, as paths below ``root``."""
        return {
            name: [
                self.pattern.format(name=name, lower=name.lower(), number=number)
                for number in range(self.first, self.first + count)
            ]
            for name, count in self.counts.items()
        }


def _with_ending(images: Images, ending: str) -> Images:
    return {
        name: [str(PurePosixPath(path).with_suffix(ending)) for path in paths]
        for name, paths in images.items()
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
    sha256=dict(
        train='7a1d29d047e2c7f8bfd8eda0163c0911b47f145a1764c9f764c90fc86fdab02b',
        test='aa6f8d0b4386aba5b77fae4d2924b6f213be2fe08529131ac5df73a99e204272',
    ),
)

# The same scenes in 13 bands, as the multispectral archive unpacks; B8A is the last.
EUROSAT_MS = replace(
    EUROSAT,
    name='eurosat-13bands',
    folder='EuroSAT_MS',
    pattern='{name}/{name}_{number}.tif',
    drawn_as='.jpg',
    sha256=dict(
        train='e30c51c33816a25a28a0c5536c82e28fcc9d1146796809a306705fc36d39f7ae',
        test='e1f5a34303dadabe9c64bcc83cbd68fa4bb28c1bebded616005b89e15e1e01b7',
    ),
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
    sha256=dict(
        train='0aa8abe2aa60da50d82ff4f0d6f1a044c1c2291e2da12173bb90217d9b70820d',
        test='e2050db78946c36dc6b278f37de589228fe477e77f4c56c99f051a9e5a22b0da',
    ),
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
    sha256=dict(
        train='7ed4b845d3a69fdabef401a180c52ac386d0fddc5084e9feeb2438ec8df5e111',
        test='9fc1c1eb23f70ca6c5b1e348013a44594e32a310f5b3c98c18ce0fae50914033',
    ),
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
    sha256=dict(
        train='7b0297af221d932076221c4f43329c27fefb2c3197ba46f03500435e125a0039',
        test='99f153bbaa584ef9eb3fb7a56c8fc990fb4b57cb5b679bda732d53d921842a08',
    ),
)

SCENE_SETS = {
    scenes.name: scenes for scenes in (EUROSAT, EUROSAT_MS, RESISC45, UCM, AID)
}
