-- Shows a conversation of plytalk in Wireshark and tshark, with the names that its layers give their bytes.
--
--   wireshark -X lua_script:plytalk.lua conversation.pcapng
--
-- `chat inspect FILE --wireshark DIR` made this file, plytalk.keys and conversation.pcapng of one trace: they belong together.
-- Frames, handshakes and ciphertexts are dissected here, by the shapes below. Nothing is decrypted here: the plaintexts are in
-- plytalk.keys, by frame, and so is what no shape fits.

local LAYERS = { "transport", "framer", "handshake", "cipher", "messages" }

-- Each name of a part: its layer, its field's name, and what it is called.
local NAMES = {
--[[NAMES]]
}

-- Each conversation by its TCP stream. `own` is the port of the side that recorded it; `out` is what it sent. `length` says where
-- a frame has its length, how long that is, and how much longer the frame is. A shape is a list of parts: a name (by its number
-- above), a size (0 for all that is left), how its value is read, and a value that cannot be read off the bytes.
local CONVERSATIONS = {
--[[CONVERSATIONS]]
}

local protocol = Proto("plytalk", "plytalk")
local declared, parts, layers = {}, {}, {}
for _, layer in ipairs(LAYERS) do
  layers[layer] = ProtoField.string("plytalk." .. layer, layer)
  declared[#declared + 1] = layers[layer]
end
local by_name = {}
for number, name in ipairs(NAMES) do
  by_name[name[2]] = by_name[name[2]] or ProtoField.bytes(name[2], name[3])
  parts[number] = by_name[name[2]]
end
for _, field in pairs(by_name) do declared[#declared + 1] = field end
protocol.fields = declared
local stream_of, sequence_of = Field.new("tcp.stream"), Field.new("tcp.seq")

-- The key log -----------------------------------------------------------------------------------------------------------------

local logged = {} -- what it says of a frame, by stream, way and number

local function unescaped(text)
  return (text:gsub("\\x(%x%x)", function(pair) return string.char(tonumber(pair, 16)) end))
end

local function columns(line)
  local found = {}
  for text in (line .. "\t"):gmatch("([^\t]*)\t") do found[#found + 1] = unescaped(text) end
  return found
end

local function key_of(stream, way, number) return stream .. way .. number end

local function read_log(path)
  local file = io.open(path, "r")
  if not file then return end
  local frame, layer
  for line in file:lines() do
    local cell = columns(line)
    if cell[1] == "frame" then
      frame = { name = cell[5], size = tonumber(cell[6]), layers = {} }
      logged[key_of(cell[2], cell[3], cell[4])] = frame
    elseif cell[1] == "layer" then
      layer = { layer = cell[2], at = tonumber(cell[3]), data = cell[4], spans = {} }
      frame.layers[#frame.layers + 1] = layer
    elseif cell[1] == "span" then
      layer.spans[#layer.spans + 1] = { tonumber(cell[2]), tonumber(cell[3]), tonumber(cell[4]), cell[5], cell[6] }
    end
  end
  file:close()
end

read_log((debug.getinfo(1, "S").source:match("^@(.*[/\\])") or "") .. "plytalk.keys")

-- The bytes of one side -------------------------------------------------------------------------------------------------------

local sides = {} -- by stream and way: the segments so far, where they begin, how much there is, and the frames in it

local function side_of(stream, way)
  local key = stream .. way
  sides[key] = sides[key] or { stream = stream, way = way, segments = {}, starts = {}, length = 0, frames = {}, cut = 0 }
  return sides[key]
end

local function last_at_most(sorted, value) -- how many of these numbers are at most the value
  local low, high = 0, #sorted
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    if sorted[middle] <= value then low = middle else high = middle - 1 end
  end
  return low
end

local function bytes(side, from, to) -- from the offset `from` up to `to`, as a string
  local found, number = {}, last_at_most(side.starts, from)
  while from < to do
    local start, segment = side.starts[number], side.segments[number]
    local piece = segment:sub(from - start + 1, to - start)
    found[#found + 1], from, number = piece, from + #piece, number + 1
  end
  return table.concat(found)
end

local function number_in(text, little)
  local value = 0
  for at = 1, #text do
    value = value * 256 + text:byte(little and #text + 1 - at or at)
  end
  return value
end

local function size_of_next(side, shapes) -- nil while its length has not come, 0 where there is no next frame
  local length, told = shapes.length, logged[key_of(side.stream, side.way, #side.frames)]
  if not length then return told and told.size or 0 end
  local from = side.cut + length.at
  if from + length.size > side.length then return nil end
  return number_in(bytes(side, from, from + length.size), length.little) + length.more
end

local function cut(side, shapes)
  while true do
    local size = size_of_next(side, shapes)
    if not size or size <= 0 or side.cut + size > side.length then return end
    side.frames[#side.frames + 1] = side.cut + size -- where each ends
    side.cut = side.cut + size
  end
end

-- What is shown ---------------------------------------------------------------------------------------------------------------

local LABEL, VALUE = 230, 120 -- bytes; Wireshark cuts a label that is longer than 240

local function fitted(text, room) -- cut between two characters of UTF-8
  if #text <= room then return text end
  return (text:sub(1, room - 3):gsub("[\192-\255]?[\128-\191]*$", "")) .. "..."
end

local function add_part(tree, name, range, value, made_of)
  local text = NAMES[name][3]
  if value ~= "" then text = text .. " = " .. fitted(value, VALUE) end
  if made_of and made_of ~= "" then text = text .. "  (made from " .. made_of .. ")" end
  tree:add(parts[name], range):set_text(fitted(text, LABEL))
end

local function within(range, at, size) -- nil where the capture has other bytes than the trace
  if at >= 0 and size > 0 and at + size <= range:len() then return range:range(at, size) end
end

local function value_of(form, range, told)
  if form == "number" then return tostring(range:uint64()) end
  if form == "little" then return tostring(range:le_uint64()) end
  if form == "text" then return range:string(ENC_UTF_8) end
  return told or ""
end

local function add_layer(tree, layer, range, plugin)
  local item = tree:add(layers[layer], range, plugin or "")
  item:set_text(layer .. (plugin and " " .. plugin or "") .. ", " .. range:len() .. " bytes")
  return item
end

local function show_shape(tree, layer, shape, range, plugin) -- gives the part that has no size of its own
  local item, at, rest = add_layer(tree, layer, range, plugin), 0, nil
  local fixed = 0
  for _, part in ipairs(shape) do fixed = fixed + part[2] end
  for _, part in ipairs(shape) do
    local size = part[2] > 0 and part[2] or range:len() - fixed
    local piece = within(range, at, size)
    if piece then
      add_part(item, part[1], piece, value_of(part[3], piece, part[4]))
      if part[2] == 0 then rest = piece end
      at = at + size
    end
  end
  return rest
end

local function show_logged(tree, told, range, plugin) -- a layer whose parts the key log has
  local size = 0
  for _, span in ipairs(told.spans) do size = math.max(size, span[1] + span[2]) end
  if told.data ~= "" then
    range = ByteArray.new(told.data):tvb(told.layer == "messages" and "Plaintext" or told.layer):range()
  else
    range = within(range, told.at, size)
  end
  if not range then return end
  local item = add_layer(tree, told.layer, range, plugin)
  for _, span in ipairs(told.spans) do
    local piece = within(range, span[1], span[2])
    if piece then add_part(item, span[3], piece, span[4], span[5]) end
  end
end

local function show(tree, talk, side, number, range)
  local shapes, told = talk[side.way], logged[key_of(side.stream, side.way, number)]
  local step, plugins = shapes.handshake[number], talk.plugins
  local name = told and told.name or step and step.name or "sealed"
  local sender = (side.way == "out") == (talk.role == "client") and "client" or "server"
  local item = tree:add(protocol, range)
  item:set_text("plytalk, " .. name .. " from the " .. sender .. ", " .. range:len() .. " bytes")
  local rest
  if shapes.framer then rest = show_shape(item, "framer", shapes.framer, range, plugins.framer) end
  local message = step and within(range, step.at, step.size)
  if message then
    show_shape(item, "handshake", step.shape, message, plugins.handshake)
  elseif shapes.cipher and rest then
    show_shape(item, "cipher", shapes.cipher, rest, plugins.cipher)
  end
  for _, layer in ipairs(told and told.layers or {}) do show_logged(item, layer, range, plugins[layer.layer]) end
  return name
end

function protocol.dissector(buffer, packet, tree)
  local stream, sequence = stream_of(), sequence_of()
  local talk = stream and CONVERSATIONS[stream.value]
  if not talk or not sequence or buffer:len() == 0 then return 0 end
  local way = packet.src_port == talk.own and "out" or "in"
  local side, from = side_of(stream.value, way), sequence.value - 1
  if from == side.length then -- the first time that it is dissected
    side.starts[#side.starts + 1], side.segments[#side.segments + 1] = from, buffer:raw()
    side.length = from + buffer:len()
    cut(side, talk[way])
  end
  packet.cols.protocol = "plytalk"
  local names, number = {}, last_at_most(side.frames, from)
  while side.frames[number + 1] and side.frames[number + 1] <= from + buffer:len() do
    local start, finish = side.frames[number] or 0, side.frames[number + 1]
    local range
    if start >= from then
      range = buffer:range(start - from, finish - start)
    else
      range = ByteArray.new(bytes(side, start, finish), true):tvb("Frame"):range()
    end
    names[#names + 1] = show(tree, talk, side, number, range)
    number = number + 1
  end
  packet.cols.info = #names > 0 and table.concat(names, ", ") or "a part of a frame"
  return buffer:len()
end

local ports = DissectorTable.get("tcp.port")
for _, talk in pairs(CONVERSATIONS) do
  ports:add(talk.own, protocol)
  ports:add(talk.port, protocol)
end
