-- wrk: so many requests in one write as the first argument says. With "differ" as the second no head
-- is like the one before it: the field x-request-id, which is as long as the -H says, has a number.
local FIELD = "x-request-id"
local DIFFERENT_WRITES = 1024
local writes = {}
local last = 0

function init(arguments)
    local at_once = tonumber(arguments[1])
    local differ = arguments[2] == "differ"
    local filler = wrk.headers[FIELD]
    for i = 1, differ and DIFFERENT_WRITES or 1 do
        local requests = {}
        for j = 1, at_once do
            if differ then
                local id = tostring(i * at_once + j)
                wrk.headers[FIELD] = filler:sub(#id + 1) .. id
            end
            requests[j] = wrk.format("GET", "/")
        end
        writes[i] = table.concat(requests)
    end
end

function request()
    last = last % #writes + 1
    return writes[last]
end
