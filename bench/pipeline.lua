-- wrk: sixteen requests in one write; it counts the sixteen answers.
local batch

function init(_)
    local one = wrk.format("GET", "/")
    batch = string.rep(one, 16)
end

function request()
    return batch
end
