# The same 24 epochs with AdamW, for transformers: mmdet's 1e-4 for batches of 16, scaled
# to 4. No decay on norms, tokens and the scales of residuals.
_base_ = './sgd_24e.py'

optim_wrapper = dict(
    optimizer=dict(
        _delete_=True,
        type='AdamW',
        lr=0.000025,
        betas=(0.9, 0.999),
        weight_decay=0.05,
    ),
    paramwise_cfg=dict(
        custom_keys=dict(
            pos_embed=dict(decay_mult=0.0),
            cls_token=dict(decay_mult=0.0),
            reg_token=dict(decay_mult=0.0),
            norm=dict(decay_mult=0.0),
            gamma=dict(decay_mult=0.0),
        )
    ),
)
