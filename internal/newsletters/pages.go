package newsletters

import "amicale/internal/id"

// Path is where the staff writes letters.
const Path = "/admin/lettres"

func campaignPath(campaign id.ID) string { return Path + "/" + campaign.String() }
