-- SPDX-License-Identifier: BSD-2-Clause
-- Memory that kept records hold. A kept view keeps its whole batch of 64 KiB alive, so a script
-- that keeps one record in a hundred would hold a hundred times what it keeps. Between batches,
-- when the heap has grown past a soft limit, the garbage is collected; if that does not help,
-- the views that a script can reach are looked for, and those that are few in their batch become
-- plain tables. A view that is not found stays right, only its batch stays alive.
local view, max = ...

local KB, force_of = view.KB, view.force_of
local rawget, next, type, pcall, collectgarbage = rawget, next, type, pcall, collectgarbage
local getmetatable, getupvalue, getfenv, getlocal, getinfo = debug.getmetatable, debug.getupvalue,
  debug.getfenv, debug.getlocal, debug.getinfo
local min, floor = math.min, math.floor

local SOFT = 64 * 1024 -- KiB
local DENSE = 32       -- views in a batch from which on it is smaller than their plain tables

local limit = min(SOFT, max / 1024 / 4)

-- Everything that can be reached from the script: its environment, and from its functions.
local function reach(roots, found)
  local seen, todo, n = {}, {}, 0
  local function push(x)
    local kind = type(x)
    if (kind == "table" or kind == "function" or kind == "thread") and not seen[x] then
      seen[x] = true
      n = n + 1
      todo[n] = x
    end
  end
  for _, x in next, roots do push(x) end
  while n > 0 do
    local x = todo[n]
    todo[n] = nil
    n = n - 1
    local kind = type(x)
    if kind == "table" then
      if rawget(x, KB) ~= nil then found(x) end
      for k, v in next, x do
        push(k)
        push(v)
      end
      push(getmetatable(x))
    elseif kind == "function" then
      for i = 1, 255 do
        local name, v = getupvalue(x, i)
        if not name then break end
        push(v)
      end
      push(getfenv(x))
    else
      for level = 0, 200 do
        local info = getinfo(x, level, "f")
        if not info then break end
        push(info.func)
        for i = 1, 255 do
          local name, v = getlocal(x, level, i)
          if not name then break end
          push(v)
        end
      end
    end
  end
end

local function compact(roots)
  local views, per_batch = {}, {}
  reach(roots, function(t)
    local ud = rawget(t, KB)
    views[#views + 1] = t
    per_batch[ud] = (per_batch[ud] or 0) + 1
  end)
  for _, t in next, views do
    local ud = rawget(t, KB) -- a header list may have become plain with its record
    local force = force_of[getmetatable(t)]
    if ud and force and per_batch[ud] < DENSE then
      local ok = pcall(force, t)
      if not ok then per_batch[ud] = DENSE end -- the state of an iterator stays
    end
  end
  return #views
end

-- Call between batches, with the script's roots. Returns how many views were found, if it looked.
return function(roots)
  local heap = collectgarbage "count"
  if heap < limit then return nil end
  local found
  collectgarbage()
  if collectgarbage "count" > limit / 2 then
    found = compact(roots)
    collectgarbage()
  end
  heap = collectgarbage "count"
  local cap = max / 1024
  limit = min(heap * 2 > SOFT and heap * 2 or SOFT, heap + (cap - heap) / 2)
  -- no cycle may begin so late that garbage alone reaches the cap
  collectgarbage("setpause", min(400, 100 + floor((cap - heap) / 2 / heap * 100)))
  return found
end
