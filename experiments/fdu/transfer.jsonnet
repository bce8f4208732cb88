// Leave one task out on FDU-MTL: Liu et al. 2019, Table 1, the transfer columns. A shared layer is learned from the other
// 15 tasks; then a network for the task that was left out reads it as it is, and learns all the rest from the beginning.
//   --tla-str leave_out=books                the new task
//   --tla-str system=ic, system=sp           IC-MTL, or SP-MTL (the adversarial one), which are the two in the table
//   --tla-str scope=lstm                     what is the "shared layer": the shared LSTM; its scorer too (attention); or
//                                            all that the tasks share (all_shared), gate and fusion included
//   --tla-str embeddings=fresh               "remaining parameters randomly initialized": GloVe again; or copy
// `mtlkit train ... -s DIR` with another DIR for each of the 16 tasks makes the whole column.
local fdu = import '../lib/fdu.libsonnet';

local systems = {
  ic: {
    sharing(chosen):: { type: 'message_passing', hidden_dim: chosen.hidden_dim, communicator: { type: 'indirect' } },
    // One task alone can read a shared LSTM as well as many.
    target(chosen):: null,
    scopes:: {
      lstm: ['^sharing\\.left_to_right\\.shared_lstm\\.'],
      attention: self.lstm + ['^sharing\\.left_to_right\\.channels\\.shared\\.communicator\\.'],
      all_shared: self.lstm + ['^sharing\\.left_to_right\\.channels\\.'],
    },
  },
  sp: {
    sharing(chosen):: { type: 'adversarial_shared_private', encoder: chosen.encoder },
    // The shared LSTM and one of the task's own, as before; with one task there is nothing to tell apart.
    target(chosen):: { type: 'parallel_shared_private', encoder: chosen.encoder },
    scopes:: { lstm: ['^sharing\\.shared\\.'] },
  },
};

function(leave_out='books', system='ic', scope='lstm', embeddings='fresh', preset='common')
  assert std.objectHas(systems, system) : "system is ic or sp, not '%s'" % system;
  local chosen_system = systems[system];
  assert std.objectHas(chosen_system.scopes, scope) :
         "scope is one of %s, not '%s'" % [std.join(', ', std.objectFields(chosen_system.scopes)), scope];
  assert std.member(['fresh', 'copy'], embeddings) : "embeddings is 'fresh' or 'copy', not '%s'" % embeddings;
  local shared = chosen_system.scopes[scope];
  local base = fdu.experiment(chosen_system.sharing, preset);
  assert std.objectHas(base.tasks, leave_out) :
         "leave_out is one of %s, not '%s'" % [std.join(', ', std.objectFields(base.tasks)), leave_out];
  { [key]: base[key] for key in std.objectFields(base) if key != 'trainer' } + {
    stages: [
      {
        name: 'source',
        tasks: [task for task in std.objectFields(base.tasks) if task != leave_out],
        trainer: base.trainer,
      },
      {
        name: 'target',
        tasks: [leave_out],
        sharing: fdu.sharing(chosen_system.target, preset),
        keep: shared + (if embeddings == 'copy' then ['^embedders\\.'] else []),
        trainer: base.trainer { frozen: shared },
      },
    ],
  }
