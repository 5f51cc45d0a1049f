#!/usr/bin/env node
// Outside dist/, so that the link npm makes on install has a target before the first build.
import { run } from '../dist/index.js'

await run()
