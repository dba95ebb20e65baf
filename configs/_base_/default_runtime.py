# What every run shares, whatever it trains. Parts of this project are named with
# the prefix `rsp.`; plain names are looked up in mmpretrain.
default_scope = 'mmpretrain'
custom_imports = dict(imports=['rsp'], allow_failed_imports=False)

# The same config runs on GPUs and, through gloo, on CPU processes.
runner_type = 'rsp.PortableRunner'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    # --resume takes the newest whole file; three leave room for damaged ones.
    checkpoint=dict(type='rsp.CheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    # Compares the first images with what the network was set up for.
    pixel_guard=dict(type='rsp.PixelGuardHook', ignore=[]),
    # Tells whether a self-supervised training learns; see docs/health.md.
    health=dict(type='rsp.HealthHook', ignore=[]),
    # Ends the run at the 11th step in a row whose gradient is not finite.
    non_finite=dict(type='rsp.NonFiniteHook', max_in_a_row=10),
    # Says where a process stands that has made no step for so many seconds.
    watchdog=dict(type='rsp.WatchdogHook', seconds=300),
    # Writes report.html to the work dir at the end; see docs/report.md.
    report=dict(type='rsp.ReportHook'),
)
custom_hooks = [
    dict(type='rsp.MeanOverRanksHook'),
    dict(type='rsp.PreflightHook'),
    dict(type='rsp.ProgressHook'),
    # Does nothing unless the data are windows of scenes.
    dict(type='rsp.SceneReportHook'),
]

# Logged numbers are means over the last 50 iterations. mmengine would smooth the
# losses only, and one batch's accuracy says little.
log_processor = dict(
    window_size=50,
    mean_pattern=r'.*(loss|time|grad_norm|top1|top5|similarity|unlabeled).*',
)
vis_backends = [
    dict(type='LocalVisBackend'),
    dict(type='TensorboardVisBackend'),
]
visualizer = dict(type='UniversalVisualizer', vis_backends=vis_backends)
log_level = 'INFO'

env_cfg = dict(
    # Crops have one size, so the fastest convolutions are worth searching for once.
    cudnn_benchmark=True,
    # Loader workers are the parallelism; OpenCV threads inside them only fight.
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Seconds that a process waits for others, e.g. while the first one scores.
    dist_cfg=dict(backend='nccl', timeout=1800),
)

# Convolutions run faster on channels-last weights, on CPUs and on tensor cores.
memory_format = 'channels_last'
# True, or the keyword arguments of torch.compile.
compile_backbone = False

randomness = dict(seed=0)
load_from = None
resume = False

# True makes views by the published transforms themselves, of all pixels, at a quarter of
# the speed; see rsp.LoadViews.
exact_pillow = False
