import { createHash } from "node:crypto";

/** A Lua script, by whose SHA-1 Redis runs it once it has been loaded. */
export interface Script {
  readonly text: string;
  readonly sha: string;
}

/*
 * What is kept of a topic, all of it in one slot:
 *
 * - the meta, a string of seven words: the epoch; the number and tag of the newest message; the maxAgeMs of the last append; a time that no
 *   message in the log is older than; when the expiry of the log and of the meta were last set;
 * - the log, a stream: the ID of an entry is `seq-0`; `t` is its tag, `p` that of the message before it, `a` when it was appended, in
 *   milliseconds, `d` the data;
 * - a key for each id, `epoch seq tag`, which expires by itself.
 *
 * The meta goes last. Where it is missing, whatever is left of the log belongs to an epoch that nobody knows any more, and is removed.
 *
 * Lua writes numbers of up to 14 digits as they are.
 */

const begin = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local meta = redis.call('GET', KEYS[1])
local epoch, last, tag, maxAge, oldest, logSetAt, metaSetAt
if meta then
  epoch, last, tag, maxAge, oldest, logSetAt, metaSetAt =
    string.match(meta, '^(%S+) (%d+) (%S*) (%d+) (%d+) (%d+) (%d+)$')
end
if epoch then
  last, maxAge = tonumber(last), tonumber(maxAge)
else
  epoch, last, tag, maxAge, oldest, logSetAt, metaSetAt = ARGV[1], 0, '', 0, now, 0, 0
  if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('UNLINK', KEYS[2]) end
end
`;

/**
 * Appends messages in their order, and tells the subscribers.
 *
 * KEYS: meta, log, the id of each message. ARGV: an epoch for a new log, forgetAfterMs, the channel, PUBLISH or SPUBLISH, idWindowMs,
 * maxMessages, maxAgeMs; the tag and the data of each message. Answers for each message `epoch seq tag`; this and an error where the
 * subscribers could not be told; or an empty string and an error.
 *
 * All errors come before anything is stored, but for those that begin with MAYBE.
 */
export const append: Script = script(`${begin}
local results, stored = {}, {}
local failure
local function write(...)
  local answer = redis.pcall(...)
  if type(answer) == 'table' and answer.err then failure = failure or answer.err end
end

for n = 1, #KEYS - 2 do
  local id, newTag, data = KEYS[n + 2], ARGV[2 * n + 6], ARGV[2 * n + 7]
  local function add()
    return redis.pcall('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], last + 1 .. '-0', 't', newTag, 'p', tag, 'a', now, 'd', data)
  end
  local known = redis.pcall('GET', id)
  if type(known) == 'table' then
    results[n] = { '', known.err }
  -- One of another epoch is in a log that is lost.
  elseif known and string.sub(known, 1, #epoch + 1) == epoch .. ' ' then
    results[n] = known
  else
    local added = add()
    if type(added) == 'table' and string.find(added.err, 'equal or smaller', 1, true) then
      -- The log is ahead of the meta: one of the two is not what it was. Nothing of this call is in it.
      redis.call('UNLINK', KEYS[2])
      epoch, last, tag, oldest, logSetAt = ARGV[1], 0, '', now, 0
      added = add()
    end
    if type(added) == 'table' then
      results[n] = { '', added.err }
    else
      last = last + 1
      local position = epoch .. ' ' .. last .. ' ' .. newTag
      results[n] = position
      stored[#stored + 1] = { n, position .. ' ' .. tag .. '\\n' .. data }
      tag = newTag
      if ARGV[5] ~= '0' then write('SET', id, position, 'PX', ARGV[5]) end
    end
  end
end
if #stored == 0 then return results end

maxAge = tonumber(ARGV[7])
for _ = 1, #stored do
  if now - oldest <= maxAge * 17 / 16 then break end
  -- A few of the oldest at a time: each append removes more than it adds until the oldest is young enough.
  local from
  for _, entry in ipairs(redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 4)) do
    from, oldest = string.match(entry[1], '%d+'), entry[2][6]
    if tonumber(oldest) >= now - maxAge then break end
    from = from + 1
  end
  if from then write('XTRIM', KEYS[2], 'MINID', from) end
end
if math.abs(now - logSetAt) > maxAge / 8 then
  logSetAt = now
  write('PEXPIRE', KEYS[2], math.ceil(maxAge * 9 / 8) + 1)
end
local forgetAfter = math.max(tonumber(ARGV[2]), maxAge * 2)
local isDue = math.abs(now - metaSetAt) > forgetAfter / 16
if isDue then metaSetAt = now end
meta = epoch .. ' ' .. last .. ' ' .. tag .. ' ' .. ARGV[7] .. ' ' .. oldest .. ' ' .. logSetAt .. ' ' .. metaSetAt
if isDue then
  write('SET', KEYS[1], meta, 'PX', math.ceil(forgetAfter * 17 / 16))
else
  write('SET', KEYS[1], meta, 'KEEPTTL')
end
if failure then
  for n, result in ipairs(results) do
    if type(result) == 'string' then results[n] = { '', 'MAYBE ' .. failure } end
  end
  return results
end

for _, one in ipairs(stored) do
  local told = redis.pcall(ARGV[4], ARGV[3], one[2])
  if type(told) == 'table' then results[one[1]] = { results[one[1]], told.err } end
end
return results
`);

/**
 * Begins a log where there is none, and keeps the meta from expiring where somebody looks at it. Redis may be full: then the epoch
 * is another one with each answer until there is room, which makes a gap, and hides none.
 */
const look = `${begin}
local head = epoch .. ' ' .. last .. ' ' .. tag
local forgetAfter = math.max(tonumber(ARGV[2]), maxAge * 2)
if math.abs(now - metaSetAt) > forgetAfter / 16 then
  local text = head .. ' ' .. maxAge .. ' ' .. oldest .. ' ' .. logSetAt .. ' ' .. now
  redis.pcall('SET', KEYS[1], text, 'PX', math.ceil(forgetAfter * 17 / 16))
end
`;

/** KEYS: meta, log. ARGV: an epoch for a new log, forgetAfterMs. Answers `epoch seq tag`. */
export const readHead: Script = script(`${look}
return head
`);

/**
 * Reads a page. KEYS: meta, log. ARGV: an epoch for a new log, forgetAfterMs, maxMessages, maxBytes, and where to begin: `start`; `last`
 * and how many; or `behind` and the epoch, seq and tag of a position. Answers: the head as `epoch seq tag`, whether the page is
 * continuous, whether there is more, and a list of the number, tag and data of each message.
 */
export const read: Script = script(`${look}
local maxMessages, maxBytes, kind, cutoff = tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5], now - maxAge

-- From a number on. With the tag of the message before it: nothing, if the next message there is is not the one behind that.
local function page(first, after)
  local answer, found, bytes, previous = {}, 0, 0, after
  local count = math.min(16, maxMessages + 1)
  while first <= last do
    local entries = redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', count)
    for _, entry in ipairs(entries) do
      local seq, fields = string.match(entry[1], '%d+'), entry[2]
      local isKept = tonumber(fields[6]) >= cutoff
      if after and found == 0 and not (isKept and tonumber(seq) == first and fields[4] == after) then return nil end
      first = tonumber(seq) + 1
      if isKept then
        local size = string.len(fields[8])
        -- Where a message is missing in the middle the page ends: the next one tells of the gap.
        local isNext = found == 0 or fields[4] == previous
        if found > 0 and (found == maxMessages or bytes + size > maxBytes or not isNext) then return answer, 1 end
        answer[3 * found + 1], answer[3 * found + 2], answer[3 * found + 3] = seq, fields[2], fields[8]
        found, bytes, previous = found + 1, bytes + size, fields[2]
      end
    end
    if #entries < count then break end
    -- All too old: no read has to pass them again.
    if found == 0 then redis.call('XTRIM', KEYS[2], 'MINID', first) end
    local average = found > 0 and bytes / found or 1
    count = math.max(1, math.min(256, maxMessages - found + 1, math.floor((maxBytes - bytes) / (average + 1)) + 1))
  end
  if after and found == 0 then return nil end
  return answer, 0
end

local answer, more, continuous
if kind == 'behind' then
  local seq = tonumber(ARGV[7])
  if ARGV[6] == epoch and seq == last and ARGV[8] == tag then
    answer, more = {}, 0
  elseif ARGV[6] == epoch and seq < last then
    answer, more = page(seq + 1, ARGV[8])
  end
  continuous = answer and 1 or 0
else
  continuous = 1
end
if not answer then
  answer, more = page(kind == 'last' and math.max(1, last - tonumber(ARGV[6]) + 1) or 1)
end
return { head, continuous, more, answer }
`);

export const scripts: readonly Script[] = [append, readHead, read];

function script(text: string): Script {
  return { text, sha: createHash("sha1").update(text).digest("hex") };
}
