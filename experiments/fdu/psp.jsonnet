// Parallel shared-private BiLSTMs on FDU-MTL: Chen et al. 2018, Table 1, column PSP. With the trainer and the LSTMs that
// all systems have in common, `--tla-str preset=common`, it is sp.jsonnet.
local fdu = import '../lib/fdu.libsonnet';

function(preset='chen', pool=null)
  fdu.experiment(
    function(chosen) {
      type: 'parallel_shared_private',
      encoder: chosen.encoder,
    },
    preset,
    pool
  )
