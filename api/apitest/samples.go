package apitest

import "rowcall/config/rules"

// SampleTopics returns SeedTopics and the topics that SampleResources name.
func SampleTopics() []rules.Topic {
	return append(SeedTopics(),
		rules.Topic{Topic: "patients", Allow: "authenticated"},
		rules.Topic{Topic: "patients/{id:int}", Allow: "authenticated"},
		rules.Topic{Topic: "room", Allow: "staff", Access: `SELECT true AS allowed, true AS owner`},
		rules.Topic{Topic: "user"},
		rules.Topic{Topic: "jobs"},
	)
}

// SampleResources returns resources for the tables of the example applications.
func SampleResources() []rules.Resource {
	return []rules.Resource{
		{Name: "patients", Table: "patients", Allow: "authenticated", Topic: "patients"},
		{Name: "rooms", Table: "chat_rooms", Allow: "authenticated", Label: "title", Follow: []string{"room"}},
		{Name: "members", Table: "chat_room_members", Allow: "authenticated", Follow: []string{"room"}},
		{Name: "messages", Table: "chat_messages", Allow: "authenticated", Follow: []string{"room"}},
		{Name: "join_requests", Table: "chat_join_requests", Allow: "authenticated", Follow: []string{"room"}},
		{Name: "users", Table: "users", Allow: "authenticated", Follow: []string{"user"}},
		{Name: "dams", Table: "public.dams", Allow: "public", Topic: "dams"},
		{Name: "jobs", Table: "job_postings", Allow: "authenticated", Topic: "jobs/{me}", Follow: []string{"jobs"}},
		{Name: "audit", Table: "job_postings", Topic: "audit/jobs"},
	}
}

// SampleFunctions returns the functions of the example applications.
func SampleFunctions() []rules.Function {
	return []rules.Function{
		{Name: "join_room", Function: "rowcall.chat_join_by_code", Allow: "authenticated"},
		{Name: "create_room", Function: "rowcall.chat_create_room", Allow: "authenticated"},
		{Name: "leave_room", Function: "rowcall.chat_leave_room", Allow: "authenticated"},
		{Name: "remove_member", Function: "rowcall.chat_remove_member", Allow: "authenticated"},
		{Name: "hand_over", Function: "rowcall.chat_hand_over", Allow: "authenticated"},
		{Name: "start_job", Function: "rowcall.jobs_start", Allow: "authenticated"},
	}
}
