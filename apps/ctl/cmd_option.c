/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_option.c - extended and administration options of a hub. */
#include "apps/ctl/ctl.h"

#include <string.h>

/* One option of a list; the others stay as they are. */
static enum ctl_exit
set_option(struct ctl *c, const char *method, const struct ctl_args *args)
{
    const char *text = ctl_arg(args, 2);
    uint32_t value = 0;
    g_autoptr(record_t) in = record_new();

    if (strcmp(text, "on") == 0 || strcmp(text, "yes") == 0)
        value = 1;
    else if (strcmp(text, "off") != 0 && strcmp(text, "no") != 0 &&
             !ctl_parse_number(text, ctl_arg(args, 1), &value))
        return CTL_USAGE;
    record_set_text(in, "HubName_str", ctl_arg(args, 0));
    struct record *row = record_append(in, "AdminOptionList");
    record_set_text(row, "Name_str", ctl_arg(args, 1));
    record_set_u32(row, "Value_u32", value);
    return ctl_change(c, method, in);
}

enum ctl_exit
ctl_run_hub_option_set(struct ctl *c, const struct ctl_command *cmd, const struct ctl_args *args)
{
    (void)cmd;
    return set_option(c, "SetHubExtOptions", args);
}

enum ctl_exit
ctl_run_hub_admin_option_set(struct ctl *c, const struct ctl_command *cmd,
                             const struct ctl_args *args)
{
    (void)cmd;
    return set_option(c, "SetHubAdminOptions", args);
}
