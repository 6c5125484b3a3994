-- fieldgate.lua: shows the frames of a fieldgate trace (link type USER0) in Wireshark and tshark.
-- Use:  wireshark -X lua_script:fieldgate.lua wire.pcapng      (or copy it to the folder of personal Lua plugins)
-- Families are told by their first octets, and by the bearer in the interface's description where those say nothing:
--   F6      datagram between gateways, with the header of the sealed air frame inside (docs/air-protocol.md)
--   7E      HRNP, with the HDAP frame inside (RRS, LP, TMP, RCP, DDS), and the air frame inside short data
--   $       Beidou sentence;  AT, +..., OK: AT dialogue;  anything else: data
-- 在 Wireshark 中显示 fieldgate 抓包的各链路内容。

local fieldgate = Proto("fieldgate", "fieldgate link")
local air = Proto("fieldgate_air", "fieldgate air frame")
local hrnp = Proto("fieldgate_hrnp", "HRNP")
local hdap = Proto("fieldgate_hdap", "HDAP")
local at = Proto("fieldgate_at", "AT dialogue")
local beidou = Proto("fieldgate_beidou", "Beidou sentence")

local DATAGRAMS = { [0] = "data", [1] = "heartbeat", [2] = "heartbeat reply" }
local OPCODES = {
  [0x00] = "DATA", [0x01] = "VOICE", [0x10] = "DATA_ACK", [0xFA] = "CLOSE_ACK", [0xFB] = "CLOSE",
  [0xFC] = "REJECT", [0xFD] = "ACCEPT", [0xFE] = "CONNECT",
}
local SERVICES = {
  [0x02] = "RCP", [0x08] = "LP", [0x09] = "TMP", [0x11] = "RRS", [0x12] = "TP", [0x13] = "DTP", [0x14] = "DDS",
}
local TMP = {
  [0xA1] = "private text", [0xA2] = "private text ack", [0xAE] = "private data", [0xAF] = "private data ack",
  [0xB1] = "group text", [0xB2] = "group text ack", [0xBE] = "group data", [0xBF] = "group data ack",
}
local SENTENCES = {
  TXA = "send message", TXR = "received message", ICA = "query card", ICI = "card", FKI = "feedback",
  BBXX = "query beams", BSI = "beams", DWA = "position request", DWR = "place", WAA = "position report",
  RMO = "output setup", TXSQ = "receipt",
}

local f = fieldgate.fields
f.world = ProtoField.string("fieldgate.world", "World")
f.datagram = ProtoField.uint8("fieldgate.datagram", "Datagram", base.HEX, DATAGRAMS)
f.nonce = ProtoField.uint32("fieldgate.nonce", "Nonce", base.HEX)
f.heard = ProtoField.bool("fieldgate.heard", "Peer heard lately")

local a = air.fields
a.epoch = ProtoField.uint8("fieldgate.air.epoch", "Epoch, low bits", base.DEC, nil, 0xC0)
a.short = ProtoField.bool("fieldgate.air.short_tag", "Short tag", 8, nil, 0x20)
a.source_form = ProtoField.uint8("fieldgate.air.source_form", "Source octets", base.DEC, nil, 0x18)
a.destination_form = ProtoField.uint8("fieldgate.air.destination_form", "Destination octets (3: net)", base.DEC, nil, 0x06)
a.wide = ProtoField.bool("fieldgate.air.wide", "Two octets of counter", 8, nil, 0x01)
a.source = ProtoField.uint16("fieldgate.air.source", "Source station", base.DEC)
a.destination = ProtoField.uint16("fieldgate.air.destination", "Destination station (0: net)", base.DEC)
a.counter = ProtoField.uint16("fieldgate.air.counter", "Counter, low bits", base.DEC)
a.body = ProtoField.bytes("fieldgate.air.body", "Sealed body")
a.tag = ProtoField.bytes("fieldgate.air.tag", "Tag")

local h = hrnp.fields
h.version = ProtoField.uint8("fieldgate.hrnp.version", "Version")
h.block = ProtoField.uint8("fieldgate.hrnp.block", "Block")
h.opcode = ProtoField.uint8("fieldgate.hrnp.opcode", "Opcode", base.HEX, OPCODES)
h.source = ProtoField.uint8("fieldgate.hrnp.source", "Source", base.HEX)
h.destination = ProtoField.uint8("fieldgate.hrnp.destination", "Destination", base.HEX)
h.number = ProtoField.uint16("fieldgate.hrnp.number", "Number")
h.length = ProtoField.uint16("fieldgate.hrnp.length", "Length")
h.checksum = ProtoField.uint16("fieldgate.hrnp.checksum", "Checksum", base.HEX)

local d = hdap.fields
d.reliable = ProtoField.bool("fieldgate.hdap.reliable", "Reliable", 8, nil, 0x80)
d.service = ProtoField.uint8("fieldgate.hdap.service", "Service", base.HEX, SERVICES, 0x7F)
d.opcode = ProtoField.uint16("fieldgate.hdap.opcode", "Opcode", base.HEX)
d.operation = ProtoField.string("fieldgate.hdap.operation", "Operation")
d.length = ProtoField.uint16("fieldgate.hdap.length", "Length")
d.payload = ProtoField.bytes("fieldgate.hdap.payload", "Payload")
d.text = ProtoField.string("fieldgate.hdap.text", "Text")
d.checksum = ProtoField.uint8("fieldgate.hdap.checksum", "Checksum", base.HEX)

local t = at.fields
t.line = ProtoField.string("fieldgate.at.line", "Line")

local b = beidou.fields
b.name = ProtoField.string("fieldgate.beidou.name", "Sentence")
b.meaning = ProtoField.string("fieldgate.beidou.meaning", "Meaning")
b.field = ProtoField.string("fieldgate.beidou.field", "Field")
b.checksum = ProtoField.string("fieldgate.beidou.checksum", "Checksum")

local interface_name = Field.new("frame.interface_name")
local direction = Field.new("frame.packet_flags_direction")
local interface_description = Field.new("frame.interface_description")

local TAG, STATION_FORMS = 8, { [0] = 0, [1] = 1, [2] = 2 }

-- Sealed frame: EE T SS DD C, source, destination, counter, body, tag. Returns what to say in the info column.
local function show_air(range, tree)
  if range:len() < 2 + TAG then return nil end
  local head = range(0, 1):uint()
  local ss, dd = bit.band(bit.rshift(head, 3), 3), bit.band(bit.rshift(head, 1), 3)
  local destination_octets = dd == 3 and 0 or dd
  local counter_octets = 1 + bit.band(head, 1)
  local size = 1 + (STATION_FORMS[ss] or 0) + destination_octets + counter_octets
  if ss == 3 or bit.band(head, 0x20) ~= 0 or range:len() < size + TAG then return nil end
  local sub = tree:add(air, range)
  for _, field in ipairs({ a.epoch, a.short, a.source_form, a.destination_form, a.wide }) do sub:add(field, range(0, 1)) end
  local at_octet, said = 1, { "?", "?" }
  if ss > 0 then
    sub:add(a.source, range(at_octet, ss))
    said[1] = tostring(range(at_octet, ss):uint())
    at_octet = at_octet + ss
  end
  if destination_octets > 0 then
    sub:add(a.destination, range(at_octet, destination_octets))
    said[2] = tostring(range(at_octet, destination_octets):uint())
    at_octet = at_octet + destination_octets
  elseif dd == 3 then
    sub:add(a.destination, range(0, 1), 0)
    said[2] = "net"
  end
  local counter = range(at_octet, counter_octets)
  sub:add(a.counter, counter)
  local body = range:len() - size - TAG
  if body > 0 then sub:add(a.body, range(size, body)) end
  sub:add(a.tag, range(size + body, TAG))
  local words = string.format("air %s > %s counter ..%d, %d octets sealed", said[1], said[2], counter:uint(), body)
  sub:append_text(": " .. words)
  return words
end

local function show_datagram(range, tree)
  local kind = range(1, 1):uint()
  tree:add(f.datagram, range(1, 1))
  if kind == 0 then return "UDP", range:len() > 2 and show_air(range(2), tree) or "data" end
  if range:len() >= 6 then tree:add(f.nonce, range(2, 4)) end
  if kind == 1 and range:len() >= 7 then tree:add(f.heard, range(6, 1)) end
  return "UDP", DATAGRAMS[kind] or "datagram"
end

-- Text and short data: [option length] request, destination, [source], data. The flag of the option is 0x40.
local function show_tmp(opcode, payload, tree)
  local operation = bit.band(opcode, 0xFF)
  local skip = bit.band(opcode, 0x4000) ~= 0 and 2 or 0
  local group = operation >= 0xB0
  if operation ~= 0xA1 and operation ~= 0xB1 and operation ~= 0xAE and operation ~= 0xBE then return TMP[operation] end
  local start, option = skip + 12, skip > 0 and payload:len() >= 2 and payload(0, 2):uint() or 0
  local size = payload:len() - start - option
  if size <= 0 then return TMP[operation] end
  local rest = payload(start, size)
  if operation == 0xAE or operation == 0xBE then return (group and "group data: " or "data: ") .. (show_air(rest, tree) or "") end
  local words = rest:le_ustring()
  tree:add(d.text, rest, words)
  return TMP[operation] .. ": " .. words
end

local function show_hdap(range, tree)
  if range:len() < 7 then return "HDAP, cut short" end
  local service = bit.band(range(0, 1):uint(), 0x7F)
  local name, little = SERVICES[service], service == 0x02
  if not name then return "unknown service" end
  local sub = tree:add(hdap, range)
  sub:add(d.reliable, range(0, 1))
  sub:add(d.service, range(0, 1))
  local opcode = little and range(1, 2):le_uint() or range(1, 2):uint()
  local size = little and range(3, 2):le_uint() or range(3, 2):uint()
  if little then
    sub:add_le(d.opcode, range(1, 2))
    sub:add_le(d.length, range(3, 2))
  else
    sub:add(d.opcode, range(1, 2))
    sub:add(d.length, range(3, 2))
  end
  local words = string.format("%s 0x%04x", name, opcode)
  if size > 0 and range:len() >= 5 + size then
    local payload = range(5, size)
    sub:add(d.payload, payload)
    if service == 0x09 then
      local more = show_tmp(opcode, payload, sub)
      if more then
        sub:add(d.operation, range(1, 2), TMP[bit.band(opcode, 0xFF)] or "")
        words = words .. " " .. more
      end
    end
  end
  sub:add(d.checksum, range(range:len() - 2, 1))
  sub:append_text(": " .. words)
  return words
end

local function show_hrnp(range, tree)
  if range:len() < 12 then return "HRNP", "cut short" end
  local sub = tree:add(hrnp, range)
  sub:add(h.version, range(1, 1))
  sub:add(h.block, range(2, 1))
  sub:add(h.opcode, range(3, 1))
  sub:add(h.source, range(4, 1))
  sub:add(h.destination, range(5, 1))
  sub:add(h.number, range(6, 2))
  sub:add(h.length, range(8, 2))
  sub:add(h.checksum, range(10, 2))
  local opcode, number = range(3, 1):uint(), range(6, 2):uint()
  local words = string.format("%s #%d", OPCODES[opcode] or string.format("opcode 0x%02x", opcode), number)
  if opcode == 0 and range:len() > 12 then words = words .. " " .. show_hdap(range(12), sub) end
  return "HRNP", words
end

local function show_beidou(range, tree)
  local octets = range:bytes():raw()
  local said, from = {}, 1
  while true do
    local first, last, line = octets:find("(%$[^\r\n]*)[\r\n]*", from)
    if not first then break end
    local sub = tree:add(beidou, range(first - 1, last - first + 1))
    local name = line:match("^%$(%u%u[%u%d]+)") or ""
    if name ~= "" then sub:add(b.name, range(first, #name), name) end
    local meaning = SENTENCES[name:sub(3)]
    if meaning then sub:add(b.meaning, range(first, #name), meaning) end
    local place = first + #name + 1
    for value in line:sub(#name + 2):gsub("%*[^*]*$", ""):gmatch(",([^,]*)") do
      if #value > 0 then sub:add(b.field, range(place, #value)) end
      place = place + #value + 1
    end
    local check = line:match("%*(%x%x)$")
    if check then sub:add(b.checksum, range(first - 1 + #line - 2, 2), check) end
    local words = "$" .. name .. (meaning and " (" .. meaning .. ")" or "")
    sub:append_text(": " .. words)
    said[#said + 1] = words
    from = last + 1
  end
  if #said == 0 then return "BEIDOU", "part of a sentence" end
  return "BEIDOU", table.concat(said, "  ")
end

local function show_at(range, tree)
  local octets = range:bytes():raw()
  local sub, said, from = tree:add(at, range), {}, 1
  while from <= #octets do
    local first, last, line = octets:find("([^\r\n\26]+)[\r\n\26]*", from)
    if not first then break end
    sub:add(t.line, range(first - 1, #line))
    said[#said + 1] = line:gsub("[^\32-\126]", "."):sub(1, 80)
    from = last + 1
  end
  return "AT", table.concat(said, " | ")
end

local function family(range, description)
  local first = range(0, 1):uint()
  local second = range:len() > 1 and range(1, 1):uint() or 0
  local bearer = description:match("bearer=(%w+)") or ""
  if first == 0x7E and (bearer == "pdt" or bearer == "" or second <= 4) then return show_hrnp end
  if first == 0xF6 and range:len() > 1 and second <= 2 and bearer ~= "tiantong" and bearer ~= "beidou" then return show_datagram end
  if bearer == "beidou" then return show_beidou end
  if bearer == "tiantong" or bearer == "iridium" then return show_at end
  local octets = range:bytes():raw()
  if octets:find("%$%u%u%u%u") then return show_beidou end
  if octets:find("^[\r\n]*AT") or octets:find("^[\r\n]+[%+%^%%A-Z0-9> ]") then return show_at end
  return nil
end

function fieldgate.dissector(buffer, pinfo, tree)
  local name, description = interface_name(), interface_description()
  name, description = name and tostring(name) or "", description and tostring(description) or ""
  local way = direction()
  if way and way.value == 1 then pinfo.cols.dst = name else pinfo.cols.src = name end
  if buffer:len() == 0 then
    pinfo.cols.info = name .. "  nothing"
    return 0
  end
  local range = buffer()
  local sub = tree:add(fieldgate, range, "fieldgate link " .. name)
  local link, words = "LINK", string.format("%d octets", range:len())
  if name == "world" then
    link, words = "WORLD", buffer():raw()
    sub:add(f.world, range, words)
  else
    local show = family(range, description)
    if show then link, words = show(range, sub) end
  end
  pinfo.cols.protocol = link
  pinfo.cols.info = name .. "  " .. words
  return buffer:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, fieldgate)
