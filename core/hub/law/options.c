/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - see options.h. */

#include "core/hub/law/options.h"

#include "core/hub/law/kinds.h"

#include <glib.h>

static const struct hub_option_info infos[] = {
#define X(option, standard, most, text) \
    {.name = #option, .what = (text), .value = (standard), .largest = (most)},
    HUB_OPTIONS(X)
#undef X
};

struct hub_options
hub_options_default(void)
{
    return (struct hub_options){
#define X(name, value, largest, what) .name = (value),
        HUB_OPTIONS(X)
#undef X
    };
}

const struct hub_option_info *
hub_option_info(unsigned i)
{
    return i < HUB_N_OPTIONS ? &infos[i] : NULL;
}

unsigned
hub_option_find(const char *name)
{
    unsigned i = 0;
    while (i < HUB_N_OPTIONS && g_ascii_strcasecmp(infos[i].name, name) != 0)
        i++;
    return i;
}

/* The fields in the order of the list: a struct of nothing but numbers of one type. */
static uint32_t *
field_of(struct hub_options *o, unsigned i)
{
    uint32_t *const fields[] = {
#define X(name, value, largest, what) &o->name,
        HUB_OPTIONS(X)
#undef X
    };
    g_assert(i < HUB_N_OPTIONS);
    return fields[i];
}

uint32_t
hub_option_get(const struct hub_options *o, unsigned i)
{
    struct hub_options copy = *o;
    return *field_of(&copy, i);
}

bool
hub_option_set(struct hub_options *o, unsigned i, uint32_t value)
{
    if (value > infos[i].largest)
        return false;
    *field_of(o, i) = value;
    return true;
}

uint32_t
hub_options_forbid(const struct hub_options *o)
{
    return (o->FilterPPPoE ? KIND_PPPOE : 0) | (o->FilterOSPF ? KIND_OSPF | KIND_HIDDEN : 0) |
           (o->FilterIPv4 ? KIND_IP4 | KIND_ARP | KIND_HIDDEN : 0) |
           (o->FilterIPv6 ? KIND_IP6 | KIND_HIDDEN : 0) |
           (o->FilterNonIP ? KIND_OTHER | KIND_TAGGED : 0) | (o->FilterBPDU ? KIND_BPDU : 0);
}
