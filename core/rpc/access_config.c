/* SPDX-License-Identifier: Apache-2.0 */
/* access_config.c - between the store and the living hub. See access_config.h. */
#include "core/rpc/access_config.h"

#include "core/base/error.h"
#include "core/base/log.h"

#include <openssl/rand.h>

#include <string.h>

#define SET_PREFIX "address-set."

/* ---- rules ---- */

GArray *
access_rules_load(struct store *s, const char *hub)
{
    g_autoptr(GArray) texts = store_rules(s, STORE_ACCESS_RULES, hub);
    GArray *rules = acl_rules_new();

    for (guint i = 0; i < texts->len; i++) {
        const struct store_rule *text = &g_array_index(texts, struct store_rule, i);
        g_autoptr(GError) error = NULL;
        struct acl_rule rule;
        if (!acl_rule_parse(text->text, &rule, &error)) {
            log_warning("an access rule cannot be read", "hub=%s rule=%u error=%s", hub, text->id,
                        error->message);
            continue;
        }
        rule.id = text->id;
        g_array_append_val(rules, rule);
    }
    return rules;
}

GArray *
source_rules_load(struct store *s, const char *hub)
{
    g_autoptr(GArray) texts = store_rules(s, STORE_SOURCE_RULES, hub);
    GArray *rules = g_array_new(FALSE, TRUE, sizeof(struct source_rule));

    for (guint i = 0; i < texts->len; i++) {
        const struct store_rule *text = &g_array_index(texts, struct store_rule, i);
        struct source_rule rule;
        if (!source_rule_parse(text->text, &rule)) {
            log_warning("a rule for clients' addresses cannot be read", "hub=%s rule=%u", hub,
                        text->id);
            continue;
        }
        rule.id = text->id;
        g_array_append_val(rules, rule);
    }
    return rules;
}

/* ---- sets ---- */

static gint
by_name(gconstpointer a, gconstpointer b)
{
    const struct acl_set *x = *(const struct acl_set *const *)a;
    const struct acl_set *y = *(const struct acl_set *const *)b;

    return strcmp(x->name, y->name);
}

GPtrArray *
access_sets_load(struct store *s, const char *hub)
{
    g_autoptr(GHashTable) texts = store_hub_texts(s, hub, SET_PREFIX);
    GPtrArray *sets = acl_sets_new();
    GHashTableIter it;
    gpointer name = NULL;
    gpointer text = NULL;

    g_hash_table_iter_init(&it, texts);
    while (g_hash_table_iter_next(&it, &name, &text)) {
        g_autoptr(GError) error = NULL;
        struct acl_set *set = acl_set_new((const char *)name + strlen(SET_PREFIX));
        if (!acl_set_parse(set, text, &error))
            log_warning("a set of addresses cannot be read whole", "hub=%s set=%s error=%s", hub,
                        set->name, error->message);
        g_ptr_array_add(sets, set);
    }
    g_ptr_array_sort(sets, by_name);
    return sets;
}

bool
access_set_save(struct store *s, const char *hub, const char *name, const char *text,
                GError **error)
{
    g_autofree char *low = g_ascii_strdown(name, -1);
    g_autofree char *setting = g_strconcat(SET_PREFIX, low, NULL);
    g_autoptr(GPtrArray) now = access_sets_load(s, hub);

    if (text && now->len >= ACL_SETS_MAX && !acl_sets_find(now, name)) {
        g_set_error(error, PE_ERROR, PE_TOO_MANY_ITEMS, "hub '%s' may have up to %d sets", hub,
                    ACL_SETS_MAX);
        return false;
    }
    return store_hub_set_text(s, hub, setting, text, error);
}

/* ---- in force ---- */

void
access_apply(struct store *s, struct hub *hub)
{
    const char *name = hub_name(hub);
    g_autoptr(GArray) rules = access_rules_load(s, name);
    g_autoptr(GPtrArray) sets = access_sets_load(s, name);
    g_autoptr(GArray) sources = source_rules_load(s, name);
    struct hub_access_config config = {
        .rules = &g_array_index(rules, struct acl_rule, 0),
        .n = rules->len,
        .sets = sets,
    };

    if (RAND_bytes((unsigned char *)config.secret, sizeof(config.secret)) != 1)
        log_warning("no random numbers for the memory of access rules", "hub=%s", name);
    hub_set_access(hub, &config);
    hub_set_sources(hub, &g_array_index(sources, struct source_rule, 0), sources->len);
}
