-- wrk: no head like the one before it; the field x-request-id is as long as the -H that it replaces.
-- The argument is how many requests there are in one write.
local FIELD = "x-request-id"
local COUNT = 1024
local writes = {}
local last = 0

function init(arguments)
    local width = #wrk.headers[FIELD]
    local at_once = tonumber(arguments[1])
    for i = 1, COUNT do
        local requests = {}
        for j = 1, at_once do
            local id = tostring(i * at_once + j)
            wrk.headers[FIELD] = string.rep("f", width - #id) .. id
            requests[j] = wrk.format("GET", "/")
        end
        writes[i] = table.concat(requests)
    end
end

function request()
    last = last % COUNT + 1
    return writes[last]
end
