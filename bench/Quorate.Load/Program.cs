using Quorate.Load;

return await LoadCommand.Create().Parse(args).InvokeAsync();
