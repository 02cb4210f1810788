/* SPDX-License-Identifier: Apache-2.0 */
/* option_config.c - see option_config.h. */
#include "core/rpc/option_config.h"

#include "core/base/log.h"

#define PREFIX "option."

struct hub_options
option_config_load(struct store *s, const char *hub)
{
    struct hub_options options = hub_options_default();
    g_autoptr(GHashTable) stored = store_hub_texts(s, hub, PREFIX);
    const struct hub_option_info *info;

    for (unsigned i = 0; (info = hub_option_info(i)) != NULL; i++) {
        g_autofree char *name = g_strconcat(PREFIX, info->name, NULL);
        const char *text = g_hash_table_lookup(stored, name);
        guint64 value = 0;
        if (text && g_ascii_string_to_unsigned(text, 10, 0, UINT32_MAX, &value, NULL) &&
            !hub_option_set(&options, i, (uint32_t)value)) /* a later version's: the default */
            log_debug("option has a value that is too large", "hub=%s option=%s", hub, info->name);
    }
    return options;
}

bool
option_config_save(struct store *s, const char *hub, const char *name, uint32_t value,
                   GError **error)
{
    g_autofree char *setting = g_strconcat(PREFIX, name, NULL);
    g_autofree char *text = g_strdup_printf("%u", value);

    return store_hub_set_text(s, hub, setting, text, error);
}
