import { meterContract, sdkContract, sdks } from '../../contracts/meter-clients.ts'

for (const [name, sdk] of Object.entries(sdks)) meterContract(name, sdk)
sdkContract()
