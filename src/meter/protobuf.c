#include "meter/protobuf.h"

#include <errno.h>

bool scrape_protobuf_locked(struct meter_scrape *scrape, int *ret_error)
{
    (void)scrape;
    *ret_error = -ENOTSUP;
    return false;
}
int protobuf_stage_sample(struct meter_scrape *scrape)
{
    (void)scrape;
    return 0;
}
int protobuf_finish_samples(struct meter_scrape *scrape)
{
    (void)scrape;
    return -ENOTSUP;
}
