/* SPDX-License-Identifier: Apache-2.0 */
/* source_list.c - see source_list.h. */

#include "core/hub/acl/source_list.h"

#include "core/base/error.h"

#include <stdlib.h>
#include <string.h>

bool
source_rule_check(const struct source_rule *r, GError **error)
{
    const char *fault = NULL;

    if (r->priority == 0)
        fault = "a rule has a priority of 1 or more";
    else if (r->ip.family == 0)
        fault = "a rule needs the address or network that it is about";
    else if (r->length > (r->ip.family == 4 ? 32 : 128))
        fault = "the mask of a network is longer than an address";
    if (fault)
        g_set_error_literal(error, PE_ERROR, PE_INVALID_PARAMETER, fault);
    return !fault;
}

char *
source_rule_print(const struct source_rule *r)
{
    struct ip_prefix prefix = {.ip = r->ip, .len = r->length};
    char text[PREFIX_TEXT];

    return g_strdup_printf("%s %u %s", r->deny ? "deny" : "allow", r->priority,
                           ip_prefix_print(&prefix, text));
}

bool
source_rule_parse(const char *text, struct source_rule *out)
{
    g_auto(GStrv) words = g_strsplit(text, " ", -1);
    struct ip_prefix prefix;
    guint64 priority = 0;

    if (g_strv_length(words) != 3)
        return false;
    bool deny = strcmp(words[0], "deny") == 0;
    if (!deny && strcmp(words[0], "allow") != 0)
        return false;
    if (!g_ascii_string_to_unsigned(words[1], 10, 1, UINT32_MAX, &priority, NULL) ||
        !ip_prefix_parse(words[2], &prefix))
        return false;
    *out = (struct source_rule){
        .priority = (uint32_t)priority, .deny = deny, .ip = prefix.ip, .length = prefix.len};
    return true;
}

static int
by_priority(const void *a, const void *b)
{
    const struct source_rule *x = a;
    const struct source_rule *y = b;

    if (x->priority != y->priority)
        return x->priority < y->priority ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

void
source_rules_sort(struct source_rule *rules, unsigned n)
{
    if (n > 0)
        qsort(rules, n, sizeof(*rules), by_priority);
}

bool
source_rules_admit(const struct source_rule *rules, unsigned n, const struct ip *ip,
                   const struct source_rule **decided)
{
    for (unsigned i = 0; i < n; i++) {
        struct ip_prefix network = {.ip = rules[i].ip, .len = rules[i].length};
        if (!ip_prefix_has(&network, ip))
            continue;
        if (decided)
            *decided = &rules[i];
        return !rules[i].deny;
    }
    if (decided)
        *decided = NULL;
    return true;
}
