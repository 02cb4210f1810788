/* SPDX-License-Identifier: Apache-2.0 */
/* ban_config.c - see ban_config.h. */
#include "core/rpc/ban_config.h"

#include "core/auth/guard.h"

#define SETTING "ban.allowed" /* prefixes with a space between */

GArray *
ban_config_allowed(struct store *s)
{
    GArray *all = g_array_new(FALSE, TRUE, sizeof(struct ip_prefix));
    g_autofree char *text = store_get_text(s, SETTING);
    g_auto(GStrv) part = g_strsplit(text ? text : "", " ", -1);

    for (char **p = part; *p && all->len < BAN_ALLOWED_MAX; p++) {
        struct ip_prefix prefix;
        if (ip_prefix_parse(*p, &prefix))
            g_array_append_val(all, prefix);
    }
    return all;
}

bool
ban_config_set_allowed(struct store *s, struct auth *auth, const GArray *prefixes, GError **error)
{
    g_autoptr(GString) text = g_string_new(NULL);
    char one[PREFIX_TEXT];

    for (guint i = 0; i < prefixes->len; i++)
        g_string_append_printf(text, "%s%s", i ? " " : "",
                               ip_prefix_print(&g_array_index(prefixes, struct ip_prefix, i), one));
    if (!store_set_text(s, SETTING, text->len ? text->str : NULL, error))
        return false;
    if (auth)
        guard_allow(auth_guard(auth), prefixes);
    return true;
}

void
ban_config_load(struct store *s, struct auth *auth)
{
    g_autoptr(GArray) allowed = ban_config_allowed(s);
    g_autoptr(GArray) kept = store_bans(s);
    g_autoptr(GArray) bans = g_array_new(FALSE, TRUE, sizeof(struct guard_ban));

    for (guint i = 0; i < kept->len; i++) {
        const struct store_ban *b = &g_array_index(kept, struct store_ban, i);
        struct guard_ban one = {.who = b->who, .times = b->times, .until_ms = b->until_ms};
        g_array_append_val(bans, one);
    }
    guard_allow(auth_guard(auth), allowed);
    guard_restore(auth_guard(auth), bans);
}
