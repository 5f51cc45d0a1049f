import { answer } from './answer.js'
import { botFaults } from './bot-faults.js'
import { decode } from './decode.js'
import { hostileLinksBench } from './hostile-links.js'
import { jobs } from './jobs.js'
import { kill } from './kill.js'
import { linkRanges } from './link-ranges.js'
import { load } from './load.js'
import { mutateBench } from './mutate.js'
import { needle } from './needle.js'
import { onevision } from './onevision.js'
import { parity } from './parity.js'
import { peers } from './peers.js'
import { pooling } from './pooling.js'
import { quality } from './quality.js'
import { runBench } from './run-bench.js'
import { sampling } from './sampling.js'
import { sevenBillion } from './seven-billion.js'

process.exitCode = await runBench(
  [
    quality,
    needle,
    pooling,
    decode,
    sampling,
    answer,
    parity,
    sevenBillion,
    onevision,
    peers,
    hostileLinksBench,
    linkRanges,
    jobs,
    kill,
    botFaults,
    load,
    mutateBench,
  ],
  process.argv.slice(2),
  {
    stdout: (text) => process.stdout.write(`${text}\n`),
    stderr: (text) => process.stderr.write(`${text}\n`),
  },
)
