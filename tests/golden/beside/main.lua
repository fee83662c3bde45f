local count = require "counter"

function on_frame(f) count.add(f) end
function on_end() count.print() end
