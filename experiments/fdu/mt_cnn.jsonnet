// MT-CNN on FDU-MTL: word vectors are shared, each task has a convolution of its own (Collobert and Weston 2008); Liu et
// al. 2019, Table 1, column MT-CNN. Filters and width are not printed. `--tla-str preset=liu2017` takes the settings of the
// paper that the column comes from.
local fdu = import '../lib/fdu.libsonnet';

function(preset='common')
  fdu.experiment(
    function(chosen) {
      type: 'private',
      encoder: { type: 'cnn', filters: chosen.hidden_dim },
    },
    preset,
    'max'  // over the text, as Collobert and Weston do; the last window alone has seen two words
  )
