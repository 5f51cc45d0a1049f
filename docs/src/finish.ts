import { checkSite } from './check-site.js'
import { copyDemo } from './copy-demo.js'

await copyDemo()
const problems = await checkSite()
for (const problem of problems) console.error(problem)
process.exitCode = problems.length === 0 ? 0 : 1
