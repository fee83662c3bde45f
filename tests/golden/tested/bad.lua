local n = 0
function on_frame() n = n + 1 end
function on_end() print(n, "frames") print() end
