-- One wrk thread: replays a plan written by benchmarks/load/plan.py (BENCH_PLAN), of one kind (BENCH_WORK).
-- wrk does not tell a script which connection asks, so a document under PUT is taken out of a list of
-- free ones when its request is sent and comes back with its new version when the answer arrives.

local work = os.getenv("BENCH_WORK")
local plan = { user = {}, get = {}, list = {}, post = {}, put = {}, change = {}, invoice = {} }
local requests = { get = {}, list = {}, invoice = {} }
local free, busy = {}, {}
local prefix, posted, changed = "", 0, 0
local random = math.random

local function fields(line)
  local found = {}
  for field in (line .. "\t"):gmatch("([^\t]*)\t") do
    found[#found + 1] = field
  end
  return found
end

local function load_plan()
  for line in io.lines(os.getenv("BENCH_PLAN")) do
    local parts = fields(line)
    local kind = table.remove(parts, 1)
    if kind == "prefix" then
      prefix = parts[1]
    else
      table.insert(plan[kind], parts)
    end
  end
end

local function headers(user, has_body)
  local made = { [plan.user[user][1]] = plan.user[user][2] }
  if has_body then
    made["Content-Type"] = "application/json"
  end
  return made
end

local makers = {}

function makers.get()
  return requests.get[random(#requests.get)]
end

function makers.list()
  return requests.list[random(#requests.list)]
end

function makers.invoice()
  return requests.invoice[random(#requests.invoice)]
end

function makers.post()
  posted = posted + 1
  local body = plan.post[posted % #plan.post + 1]
  local text = '{"name":"' .. prefix .. posted .. '",' .. body[2]
  return wrk.format("POST", body[1], headers(random(#plan.user), true), text)
end

function makers.put()
  local document = table.remove(free)
  if not document then
    return wrk.format("GET", "/no-free-document-left")
  end
  busy[document.id] = document
  changed = changed + 1
  local text = '{"_version":' .. document.version .. "," .. plan.change[changed % #plan.change + 1][1]
  return wrk.format("PUT", document.path, headers(document.user, true), text)
end

function makers.mixed()
  local chance = random(100)
  if chance <= 70 then
    return makers.get()
  elseif chance <= 90 then
    return makers.list()
  elseif chance <= 95 then
    return makers.post()
  end
  return makers.put()
end

local function take_version(status, _, body)
  if status ~= 200 then
    return
  end
  local document = busy[body:match('"id":%s*"([^"]+)"') or ""]
  if document then
    busy[document.id] = nil
    document.version = body:match('"_version":%s*(%d+)')
    table.insert(free, document)
  end
end

-- wrk copies every answer's body for a script that wants it: only where it is needed.
if work == "put" or work == "mixed" then
  response = take_version
end

function init()
  math.randomseed(tonumber(os.getenv("BENCH_SEED")))
  load_plan()
  for _, kind in ipairs({ "get", "list" }) do
    for _, line in ipairs(plan[kind]) do
      table.insert(requests[kind], wrk.format("GET", line[2], headers(tonumber(line[1]))))
    end
  end
  for _, line in ipairs(plan.invoice) do
    local made = wrk.format("POST", line[2], headers(tonumber(line[1]), true), line[3])
    table.insert(requests.invoice, made)
  end
  for _, line in ipairs(plan.put) do
    table.insert(free, { user = tonumber(line[1]), path = line[2], id = line[3], version = line[4] })
  end
end

function request()
  return makers[work]()
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    'BENCH {"requests":%d,"seconds":%.6f,"bytes":%d,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,'
      .. '"bad_status":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, latency.max / 1e3, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
