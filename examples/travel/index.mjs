// What DORMOUSE_TOOLS=./examples/travel loads: the tools as they were built with everything else.
export { TravelTools } from '../../dist/examples/travel/travel.tools.js';
