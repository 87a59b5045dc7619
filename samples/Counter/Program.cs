Console.WriteLine("counter");
